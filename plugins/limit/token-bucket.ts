/**
 * A token bucket: tokens (bytes) come at a fixed rate up to a burst, and takers are served strictly in turn.
 * Takers that ask for small pieces one after the other therefore share the rate evenly, however many there are.
 */
export interface Clock {
  /** Milliseconds from any fixed point. */
  now(): number;
  /** Runs `wake` after `ms`; the returned function calls it off. */
  after(ms: number, wake: () => void): () => void;
}

export interface Rate {
  readonly bytesPerSecond: number;
  /** What may pass at once after a pause; at least a piece. */
  readonly burstBytes: number;
  /** What a taker asks for at most. */
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

  /** The rate may be another one at any time: who waits notices when its turn comes, as the old rate had it. */
  constructor(pace: { readonly rate: Rate }, clock: Clock) {
    this.#pace = pace;
    this.#clock = clock;
    this.#tokens = pace.rate.burstBytes;
    this.#filledAtMs = clock.now();
  }

  /** Resolves when `bytes` may pass (at most a piece), or at once when `signal` fires: then they do not count. */
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
        // Those behind it may need fewer tokens than it did, and nobody at all needs no timer.
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

  /** A piece of a faster time may be more than a slower rate ever gathers: it costs what a piece costs now. */
  #costOf({ bytes }: Taker): number {
    return Math.min(bytes, this.#pace.rate.pieceBytes);
  }
}
