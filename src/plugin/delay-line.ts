/**
 * A delay line for a half: each chunk, and the end, comes out a while after it went in. Unlike a stage that sleeps it goes on
 * taking in meanwhile, so that the delay costs no bandwidth: what is under way is held here, as on a long cable.
 */

/** What a line holds by default: at 50 ms that is up to 160 MB a second. */
const heldBytesByDefault = 8 * 1024 * 1024;
/** What a chunk counts at least: small ones cost more memory than their bytes. */
const leastBytes = 1024;
/** The longest that a timer can wait. */
const longestMs = 2 ** 31 - 1;

/**
 * The chunks, each `ms` later. Holds at most `heldBytes` and one chunk more, without a copy; where that is reached it takes
 * nothing in until something has gone out, and a reader who is slow slows the sender down as without a line. What breaks
 * is not delayed.
 */
export async function* delayLine(
  chunks: AsyncIterable<Uint8Array>,
  ms: number,
  heldBytes = heldBytesByDefault,
): AsyncGenerator<Uint8Array> {
  const line = new Line(chunks[Symbol.asyncIterator](), ms, heldBytes);
  try {
    for (;;) {
      const chunk = await line.next();
      if (chunk === undefined) return;
      yield chunk;
    }
  } finally {
    line.leave();
  }
}

interface Held {
  /** undefined is the end. */
  readonly chunk: Uint8Array | undefined;
  readonly dueMs: number;
}

/** Takes in by itself, from its making on. */
class Line {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #ms: number;
  readonly #mostBytes: number;
  readonly #held: Held[] = [];
  #heldBytes = 0;
  #broken: { readonly reason: unknown } | undefined;
  #hasLeft = false;
  /** Wakes who waits for what comes out. */
  #wake: (() => void) | undefined;
  /** Lets the taking in go on. */
  #room: (() => void) | undefined;

  constructor(chunks: AsyncIterator<Uint8Array>, ms: number, mostBytes: number) {
    this.#chunks = chunks;
    this.#ms = ms;
    this.#mostBytes = mostBytes;
    void this.#takeIn();
  }

  /** The next chunk once its time has come, undefined at the end's own time. Rejects as soon as the source is broken. */
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

  /** Nobody waits for what is still in it. */
  leave(): void {
    this.#hasLeft = true;
    this.#held.length = 0;
    this.#room?.();
    // The source may be broken already, and then there is nothing to end.
    this.#chunks.return?.().catch(() => {});
  }

  /** Never rejects: what breaks is told to who waits for the next chunk. */
  async #takeIn(): Promise<void> {
    try {
      while (!this.#hasLeft) {
        if (this.#heldBytes >= this.#mostBytes) {
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
      this.#broken = { reason };
      this.#wake?.();
    }
  }

  /** Something has happened, or `ms` are over. */
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
