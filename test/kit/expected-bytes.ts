/**
 * Compares a stream with the bytes that must come, piece by piece, so that one end of a connection knows at any moment
 * whether what came is right so far, and at the end whether it is all.
 */

/** `short`: a clean end, and bytes are missing. `broken`: a reset, and all that came was right. */
export type Verdict = "whole" | "short" | "broken" | "wrong";

export class ExpectedBytes {
  readonly #chunks: Iterator<Uint8Array>;
  #next: Uint8Array;
  #isWrong = false;
  #bytes = 0;

  constructor(chunks: Iterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.iterator]();
    this.#next = this.#following();
  }

  /** How many bytes have come. */
  get bytes(): number {
    return this.#bytes;
  }

  get isWrong(): boolean {
    return this.#isWrong;
  }

  /** All has come, and nothing else. */
  get isWhole(): boolean {
    return !this.#isWrong && this.#next.length === 0;
  }

  take(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    for (let rest = chunk; rest.length > 0 && !this.#isWrong; ) {
      const length = Math.min(rest.length, this.#next.length);
      // Bytes after the last expected one are wrong too.
      if (length === 0 || Buffer.compare(rest.subarray(0, length), this.#next.subarray(0, length)) !== 0) {
        this.#isWrong = true;
        return;
      }
      rest = rest.subarray(length);
      this.#next = length === this.#next.length ? this.#following() : this.#next.subarray(length);
    }
  }

  /** What is to be said when no more comes: after a FIN, or after a reset. */
  verdict(isCleanEnd: boolean): Verdict {
    if (this.#isWrong) return "wrong";
    if (!isCleanEnd) return "broken";
    return this.isWhole ? "whole" : "short";
  }

  /** The next chunk that has bytes; an empty one at the end. */
  #following(): Uint8Array {
    for (;;) {
      const next = this.#chunks.next();
      if (next.done === true) return new Uint8Array();
      if (next.value.length > 0) return next.value;
    }
  }
}
