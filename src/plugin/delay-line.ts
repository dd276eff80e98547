/**
 * A delay line for a half: each chunk, and the end, comes out a fixed time after it went in. A stage that sleeps takes
 * nothing in meanwhile, and so lowers the bandwidth. A delay line goes on reading and holds what is under way, like a
 * long cable.
 */

/** What a line holds by default. With a delay of 50 ms, this is enough for 160 MB per second. */
const heldBytesByDefault = 8 * 1024 * 1024;
/** The least that a chunk counts for, because a small chunk costs more memory than its bytes. */
const leastBytes = 1024;
/** The longest time that a JavaScript timer can wait. */
const longestMs = 2 ** 31 - 1;

/**
 * Yields each chunk `ms` milliseconds after it came in. The line holds at most `heldBytes` and one chunk more, and
 * copies nothing. A full line reads nothing until a chunk has gone out, so a slow reader still slows the sender. An
 * error of the source is not delayed. With `flow.signal` as `signal`, the line of an aborted flow lets go at once, also
 * when the source has nothing to say.
 */
export async function* delayLine(
  chunks: AsyncIterable<Uint8Array>,
  ms: number,
  heldBytes = heldBytesByDefault,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const line = new Line(chunks[Symbol.asyncIterator](), ms, heldBytes);
  const onAbort = () => line.break(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted === true) onAbort();
  try {
    for (;;) {
      const chunk = await line.next();
      if (chunk === undefined) return;
      yield chunk;
    }
  } finally {
    signal?.removeEventListener("abort", onAbort);
    line.leave();
  }
}

interface Held {
  /** Undefined stands for the end of the chunks. */
  readonly chunk: Uint8Array | undefined;
  readonly dueMs: number;
}

/** Begins to read from the source when it is constructed, and reads on by itself. */
class Line {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #ms: number;
  readonly #mostBytes: number;
  readonly #held: Held[] = [];
  #heldBytes = 0;
  #broken: { readonly reason: unknown } | undefined;
  #hasLeft = false;
  /** Wakes the call of `next` that waits. */
  #wake: (() => void) | undefined;
  /** Wakes `#takeIn`, which waits for room. */
  #room: (() => void) | undefined;

  constructor(chunks: AsyncIterator<Uint8Array>, ms: number, mostBytes: number) {
    this.#chunks = chunks;
    this.#ms = ms;
    this.#mostBytes = mostBytes;
    void this.#takeIn();
  }

  /**
   * The next chunk when its time has come, or undefined when the end's time has come. Rejects at once when the source
   * is broken.
   */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      if (this.#broken !== undefined) throw this.#broken.reason;
      const [first] = this.#held;
      const waitMs = first === undefined ? undefined : first.dueMs - performance.now();
      if (first === undefined || waitMs === undefined || waitMs > 0) {
        await this.#woken(waitMs);
        continue;
      }
      this.#held.shift();
      this.#heldBytes -= weightOf(first.chunk);
      this.#room?.();
      return first.chunk;
    }
  }

  /** What the line holds is not wanted any more: the call of `next` that waits rejects with the reason. */
  break(reason: unknown): void {
    this.#broken ??= { reason };
    this.#wake?.();
  }

  /** The reader has left: drops what the line still holds, and ends the source. */
  leave(): void {
    this.#hasLeft = true;
    this.#held.length = 0;
    this.#room?.();
    // A source that is broken already may reject here. There is nothing to end then.
    this.#chunks.return?.().catch(() => {});
  }

  /** Never rejects: an error of the source is thrown by `next`. */
  async #takeIn(): Promise<void> {
    try {
      while (!this.#hasLeft) {
        if (this.#held.length > 0 && this.#heldBytes >= this.#mostBytes) {
          await this.#roomMade();
          continue;
        }
        const { done, value } = await this.#chunks.next();
        const chunk = done === true ? undefined : value;
        this.#held.push({ chunk, dueMs: performance.now() + this.#ms });
        this.#heldBytes += weightOf(chunk);
        if (this.#held.length === 1) this.#wake?.();
        if (chunk === undefined) return;
      }
    } catch (reason) {
      this.break(reason);
    }
  }

  /** Resolves when `#wake` is called, or after `ms`. */
  #woken(ms: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(resolve, Math.min(Math.ceil(ms), longestMs));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #roomMade(): Promise<void> {
    return new Promise((resolve) => {
      this.#room = resolve;
    });
  }
}

function weightOf(chunk: Uint8Array | undefined): number {
  return chunk === undefined ? 0 : Math.max(chunk.byteLength, leastBytes);
}
