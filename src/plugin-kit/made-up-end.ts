/**
 * One end of a made-up flow, as a Conn: gives out the chunks of the test, then ends or breaks, and keeps what is
 * written to it. Every write is accepted at once.
 */
import type { PorthopError } from "../errors.ts";
import type { Conn } from "../flow/conn.ts";
import type { Chunk } from "../plugin.ts";

/** Chunks, or texts that become UTF-8. A generator decides when each of them comes. */
export type Said = Iterable<Chunk | string> | AsyncIterable<Chunk | string>;

export class MadeUpEnd implements Conn {
  readonly heard: Chunk[] = [];
  /** A made-up end never leaves before its half has ended. */
  readonly isGone = false;
  readonly #said: AsyncGenerator<Chunk | string>;
  readonly #breaksWith: PorthopError | undefined;
  readonly #told: ((reason: PorthopError) => void)[] = [];
  #broken: PorthopError | undefined;
  /** Rejects the read that is under way. */
  #reject: (reason: PorthopError) => void = () => {};

  /**
   * `breaksWith` is the error with which the connection breaks after the last chunk. Without it, the half ends cleanly.
   */
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
