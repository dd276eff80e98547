/**
 * A token bucket: tokens (bytes) are added at a fixed rate, up to a burst. Takers are served strictly in turn. Takers
 * that ask for small pieces one after the other share the rate evenly, however many takers there are.
 */
export interface Clock {
  /** The time in milliseconds, from any fixed point. */
  now(): number;
  /** Calls `wake` after `ms`. The returned function cancels the call. */
  after(ms: number, wake: () => void): () => void;
}

export interface Rate {
  readonly bytesPerSecond: number;
  /** How many bytes may pass at once after a pause. At least one piece. */
  readonly burstBytes: number;
  /** The most that one call of `take` asks for. */
  readonly pieceBytes: number;
}

interface Taker {
  readonly bytes: number;
  readonly serve: () => void;
}

export class TokenBucket {
  readonly #pace: { readonly rate: Rate };
  readonly #clock: Clock;
  readonly #queue = new Set<Taker>();
  #tokens: number;
  #filledAtMs: number;
  #callOff: (() => void) | undefined;

  /**
   * `pace.rate` may change at any time. The first taker in the queue still waits for as long as the old rate needed.
   */
  constructor(pace: { readonly rate: Rate }, clock: Clock) {
    this.#pace = pace;
    this.#clock = clock;
    this.#tokens = pace.rate.burstBytes;
    this.#filledAtMs = clock.now();
  }

  /** Resolves when `bytes` (at most one piece) may pass. When `signal` fires, resolves at once and takes no tokens. */
  take(bytes: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    this.#fill();
    if (this.#queue.size === 0 && this.#tokens >= bytes) {
      this.#tokens -= bytes;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const giveUp = () => {
        this.#queue.delete(taker);
        resolve();
        // Takers behind this one may need fewer tokens, and an empty queue needs no timer.
        this.#callOff?.();
        this.#serve();
      };
      const serve = () => {
        signal.removeEventListener("abort", giveUp);
        resolve();
      };
      const taker: Taker = { bytes, serve };
      this.#queue.add(taker);
      signal.addEventListener("abort", giveUp, { once: true });
      this.#schedule();
    });
  }

  #serve(): void {
    this.#callOff = undefined;
    this.#fill();
    for (const taker of this.#queue) {
      const cost = this.#costOf(taker);
      if (this.#tokens < cost) break;
      this.#tokens -= cost;
      this.#queue.delete(taker);
      taker.serve();
    }
    this.#schedule();
  }

  #schedule(): void {
    const first = this.#queue.values().next().value;
    if (first === undefined || this.#callOff !== undefined) return;
    const missing = Math.max(0, this.#costOf(first) - this.#tokens);
    const ms = Math.ceil((missing * 1000) / this.#pace.rate.bytesPerSecond);
    this.#callOff = this.#clock.after(ms, () => this.#serve());
  }

  #fill(): void {
    const now = this.#clock.now();
    const { burstBytes, bytesPerSecond } = this.#pace.rate;
    this.#tokens = Math.min(burstBytes, this.#tokens + ((now - this.#filledAtMs) * bytesPerSecond) / 1000);
    this.#filledAtMs = now;
  }

  /**
   * A piece that was cut at a faster rate may be larger than the burst of a slower rate, and could wait for ever. Such
   * a piece costs what a piece costs now.
   */
  #costOf({ bytes }: Taker): number {
    return Math.min(bytes, this.#pace.rate.pieceBytes);
  }
}
