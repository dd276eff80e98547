/** What comes out of a stage: the chunks, each seen by the taps that stand behind the stage, and errors with their plugin. */
import type { Chunk, Chunks, Stage } from "../plugin.ts";
import { asPluginError } from "./chain.ts";

export interface StageStep {
  readonly plugin: string;
  readonly stage: Stage;
}

/**
 * Runs a stage. An error that the stage throws gets the name of its plugin; conns reject with PorthopErrors, which pass
 * unchanged. The taps behind the stage see each chunk here, and so need no generator. This class is no generator
 * either, because each generator costs time for every chunk.
 */
export class StageOutput implements AsyncIterableIterator<Chunk> {
  readonly #step: StageStep;
  readonly #input: Chunks;
  readonly #look: (chunk: Chunk) => void;
  #chunks: AsyncIterator<Chunk> | Iterator<Chunk> | undefined;

  constructor(step: StageStep, input: Chunks, look: (chunk: Chunk) => void) {
    this.#step = step;
    this.#input = input;
    this.#look = look;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Chunk>> {
    try {
      this.#chunks ??= iteratorOf(this.#step.stage(this.#input));
      const next = await this.#chunks.next();
      if (next.done !== true) this.#look(next.value);
      return next;
    } catch (error) {
      throw asPluginError(this.#step.plugin, error);
    }
  }

  /** Called when the reader wants no more chunks. */
  async return(): Promise<IteratorResult<Chunk>> {
    try {
      await this.#chunks?.return?.();
      return { done: true, value: undefined };
    } catch (error) {
      throw asPluginError(this.#step.plugin, error);
    }
  }
}

/** A stage of a plugin in JavaScript may return an array too, or nothing. */
function iteratorOf(chunks: Chunks | Iterable<Chunk> | undefined): AsyncIterator<Chunk> | Iterator<Chunk> {
  if (typeof chunks === "object" && Symbol.asyncIterator in chunks) return chunks[Symbol.asyncIterator]();
  if (typeof chunks === "object" && Symbol.iterator in chunks) return chunks[Symbol.iterator]();
  throw new Error("its stage returned no chunks");
}
