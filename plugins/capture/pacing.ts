/**
 * The stage of a capture: hands chunks on unchanged, and waits for a short time while the disk is behind. It is no
 * generator, because each generator costs time for every chunk.
 */
import type { Chunk, Chunks } from "../../src/plugin.ts";

export interface Pace {
  /** Undefined while there is no reason to wait. */
  relief(): Promise<void> | undefined;
}

/** Waits before it asks for the next chunk, so that whoever sends the chunks waits too. */
export function paced(chunks: Chunks, pace: Pace): AsyncIterable<Chunk> {
  return { [Symbol.asyncIterator]: () => new PacedChunks(chunks[Symbol.asyncIterator](), pace) };
}

class PacedChunks implements AsyncIterator<Chunk> {
  readonly #chunks: AsyncIterator<Chunk>;
  readonly #pace: Pace;

  constructor(chunks: AsyncIterator<Chunk>, pace: Pace) {
    this.#chunks = chunks;
    this.#pace = pace;
  }

  next(): Promise<IteratorResult<Chunk>> {
    const relief = this.#pace.relief();
    return relief === undefined ? this.#chunks.next() : relief.then(() => this.#chunks.next());
  }

  /** Called when the reader wants no more chunks. */
  async return(): Promise<IteratorResult<Chunk>> {
    await this.#chunks.return?.();
    return { done: true, value: undefined };
  }
}
