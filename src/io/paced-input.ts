/**
 * Reads stdin chunk by chunk, with the stream's own read(), when the caller asks for the next chunk. `pause` and
 * `resume` would also do this, but Bun 1.4.5 gives up its reader at a pause, and sometimes never reads again: then the
 * end of stdin is lost, and its reader waits for ever. So stdin is paused only when nobody wants its bytes any more.
 */
import type { Readable } from "node:stream";

export class PacedInput {
  readonly #input: Readable;
  #isOver = false;
  #reader: ((chunk: Uint8Array | undefined) => void) | undefined;
  readonly #onReadable = () => this.#give();
  readonly #onEnd = () => this.#end();

  constructor(input: Readable) {
    this.#input = input;
    input.on("readable", this.#onReadable);
    for (const event of ["end", "error", "close"] as const) input.on(event, this.#onEnd);
  }

  /** The next bytes; undefined after the end of stdin or an error. Only one read at a time. */
  read(): Promise<Uint8Array | undefined> {
    return new Promise((resolve) => {
      this.#reader = resolve;
      this.#give();
    });
  }

  /** Call this when nobody wants the rest. The stream keeps the rest, and the process may end without reading it. */
  stop(): void {
    this.#input.removeListener("readable", this.#onReadable);
    this.#end();
    this.#input.pause();
  }

  #give(): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    const chunk: Uint8Array | string | null = this.#isOver ? null : this.#input.read();
    if (chunk === null && !this.#isOver) return;
    this.#reader = undefined;
    reader(typeof chunk === "string" ? Buffer.from(chunk) : (chunk ?? undefined));
  }

  #end(): void {
    this.#isOver = true;
    this.#give();
  }
}
