/**
 * One end of a made-up flow, as a connection: says what the test gave it, then ends or breaks, and keeps what it hears. It
 * takes whatever is written at once.
 */
import type { PorthopError } from "../errors.ts";
import type { Conn } from "../flow/conn.ts";
import type { Chunk } from "../plugin.ts";

/** Chunks, or texts as UTF-8. From a generator they come when that says so. */
export type Said = Iterable<Chunk | string> | AsyncIterable<Chunk | string>;

export class MadeUpEnd implements Conn {
  readonly heard: Chunk[] = [];
  /** Nobody leaves here without an end. */
  readonly isGone = false;
  readonly #said: AsyncGenerator<Chunk | string>;
  readonly #breaksWith: PorthopError | undefined;
  readonly #told: ((reason: PorthopError) => void)[] = [];
  #broken: PorthopError | undefined;
  /** Of the read that is under way. */
  #reject: (reason: PorthopError) => void = () => {};

  /** `breaksWith` is what comes in place of an end. */
  constructor(said: Said, breaksWith?: PorthopError) {
    this.#said = saying(said);
    this.#breaksWith = breaksWith;
  }

  read(): Promise<Chunk | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#broken !== undefined) reject(this.#broken);
      this.#reject = reject;
      this.#said.next().then(({ done, value }) => {
        if (done !== true) resolve(typeof value === "string" ? Buffer.from(value) : value);
        else if (this.#breaksWith !== undefined) this.abort(this.#breaksWith);
        else resolve(undefined);
      }, reject);
    });
  }

  async write(chunk: Chunk): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken;
    this.heard.push(chunk);
  }

  async end(): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken;
  }

  close(): void {}

  abort(reason: PorthopError): void {
    if (this.#broken !== undefined) return;
    this.#broken = reason;
    this.#reject(reason);
    for (const told of this.#told) told(reason);
  }

  onBroken(told: (reason: PorthopError) => void): void {
    if (this.#broken === undefined) this.#told.push(told);
    else told(this.#broken);
  }

  onGone(): void {}
}

async function* saying(said: Said): AsyncGenerator<Chunk | string> {
  yield* said;
}
