/**
 * stdin chunk by chunk, the next one when it is asked for, as the stream's own read() gives them. `pause` and `resume`
 * would do the same, but Bun 1.4.5 lets go of its reader at a pause, and now and then never reads again after it: the end
 * of stdin was lost, and who waited for it waited for ever. So stdin is not paused before nobody wants it any more.
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

  /** The next bytes; undefined once there will be no more, be it by an error. One read at a time. */
  read(): Promise<Uint8Array | undefined> {
    return new Promise((resolve) => {
      this.#reader = resolve;
      this.#give();
    });
  }

  /** Nobody wants the rest. The stream keeps it, and a program may end without it. */
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
