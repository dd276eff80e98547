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

interface Taker {
  readonly bytes: number;
  readonly serve: () => void;
}

export class TokenBucket {
  readonly #bytesPerMs: number;
  readonly #burstBytes: number;
  readonly #clock: Clock;
  readonly #queue = new Set<Taker>();
  #tokens: number;
  #filledAtMs: number;
  #callOff: (() => void) | undefined;

  constructor(bytesPerSecond: number, burstBytes: number, clock: Clock) {
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.#burstBytes = burstBytes;
    this.#clock = clock;
    this.#tokens = burstBytes;
    this.#filledAtMs = clock.now();
  }

  /** Resolves when `bytes` may pass (at most the burst), or at once when `signal` fires: then they do not count. */
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
      if (this.#tokens < taker.bytes) break;
      this.#tokens -= taker.bytes;
      this.#queue.delete(taker);
      taker.serve();
    }
    this.#schedule();
  }

  #schedule(): void {
    const first = this.#queue.values().next().value;
    if (first === undefined || this.#callOff !== undefined) return;
    const missing = Math.max(0, first.bytes - this.#tokens);
    this.#callOff = this.#clock.after(Math.ceil(missing / this.#bytesPerMs), () => this.#serve());
  }

  #fill(): void {
    const now = this.#clock.now();
    this.#tokens = Math.min(this.#burstBytes, this.#tokens + (now - this.#filledAtMs) * this.#bytesPerMs);
    this.#filledAtMs = now;
  }
}
