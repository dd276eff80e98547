/**
 * One direction of a long line: what comes in goes out the delay later, in order, whatever its amount, and so does the
 * end. Its sender waits when more is under way than the line holds, because the receiver does not take it.
 */
import type { Duplex } from "node:stream";

/** What a line holds at most, each way: 64 MiB is 1 GB/s at a delay of 64 ms. */
const usualBytes = 64 * 1024 * 1024;

interface Held {
  readonly dueMs: number;
  /** Undefined is the end. */
  readonly chunk: Uint8Array | undefined;
}

export class DelayedWay {
  readonly #from: Duplex;
  readonly #to: Duplex;
  readonly #delayMs: number;
  readonly #mostBytes: number;
  /** Those before `#next` are gone: to shift each one would move all the others. */
  #held: Held[] = [];
  #next = 0;
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(from: Duplex, to: Duplex, delayMs: number, mostBytes = usualBytes) {
    this.#from = from;
    this.#to = to;
    this.#delayMs = delayMs;
    this.#mostBytes = mostBytes;
    from.on("data", (chunk: Uint8Array) => this.#take(chunk));
    from.on("end", () => this.#take(undefined));
    to.on("drain", () => this.#release());
  }

  /** Nothing more passes. */
  stop(): void {
    this.#isStopped = true;
    this.#held = [];
    this.#next = 0;
    clearTimeout(this.#timer);
  }

  #take(chunk: Uint8Array | undefined): void {
    if (this.#isStopped) return;
    this.#held.push({ dueMs: performance.now() + this.#delayMs, chunk });
    this.#bytes += chunk?.length ?? 0;
    if (this.#bytes > this.#mostBytes) this.#from.pause();
    this.#wait();
  }

  /** One timer for the oldest bytes: as many timers as chunks would cost more than the bytes. */
  #wait(): void {
    const oldest = this.#held[this.#next];
    if (oldest === undefined || this.#timer !== undefined || this.#to.writableNeedDrain) return;
    // Some runtimes count whole milliseconds, and a byte must not be early.
    this.#timer = setTimeout(() => this.#due(), Math.max(0, Math.ceil(oldest.dueMs - performance.now())));
  }

  #due(): void {
    this.#timer = undefined;
    this.#release();
  }

  #release(): void {
    if (this.#isStopped) return;
    const now = performance.now();
    for (let held = this.#held[this.#next]; held !== undefined; held = this.#held[this.#next]) {
      if (held.dueMs > now || this.#to.writableNeedDrain) break;
      this.#next++;
      if (held.chunk === undefined) this.#to.end();
      else this.#pass(held.chunk);
    }
    this.#forget();
    this.#wait();
  }

  /** What has passed is let go, once it is the greater part: until then each place is kept, with its bytes. */
  #forget(): void {
    if (this.#next * 2 < this.#held.length) return;
    this.#held = this.#held.slice(this.#next);
    this.#next = 0;
  }

  #pass(chunk: Uint8Array): void {
    this.#to.write(chunk);
    this.#bytes -= chunk.length;
    if (this.#from.isPaused() && this.#bytes <= this.#mostBytes) this.#from.resume();
  }
}
