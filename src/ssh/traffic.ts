/**
 * What passes through a session's stream: when the server was last heard, and how much is going on. Reads the clock
 * once for each chunk and makes no timers.
 */
import type { Duplex } from "node:stream";
import type { HeardOutgoing } from "./transport.ts";

/** Bytes count as recent for one to two times this long. */
const stepMs = 250;

export class Traffic {
  readonly #outgoing: HeardOutgoing;
  readonly #now: () => number;
  readonly #recent = new RecentBytes();
  #given: number;
  #heardMs: number;

  /** Make this when the session is ready: what comes after that counts. */
  constructor(stream: Duplex, outgoing: HeardOutgoing, now = () => performance.now()) {
    this.#outgoing = outgoing;
    this.#now = now;
    this.#given = outgoing.given;
    this.#heardMs = now();
    stream.on("data", (chunk: Uint8Array) => {
      this.#heardMs = now();
      this.#recent.add(chunk.length, this.#heardMs);
    });
    outgoing.onGiven(() => {
      this.#recent.add(outgoing.given - this.#given, now());
      this.#given = outgoing.given;
    });
  }

  /** When the last bytes came from the server, in the clock's time. At first the time at which this was made. */
  get heardMs(): number {
    return this.#heardMs;
  }

  /**
   * The bytes that wait here to be sent, and the bytes that passed in the last moments, both ways. The latter stand for
   * what cannot be seen: a system takes megabytes at once, and what the server holds for us nobody tells. So a bulk
   * transfer shows as such at every speed, and half a second after its end it does not.
   */
  get waitingBytes(): number {
    return this.#outgoing.given - this.#outgoing.sent + this.#recent.at(this.#now());
  }
}

/** A sum in which the bytes of the latest step count whole, and those of the step before less and less. */
class RecentBytes {
  #sinceMs = Number.NEGATIVE_INFINITY;
  #latest = 0;
  #before = 0;

  add(bytes: number, atMs: number): void {
    this.#move(atMs);
    this.#latest += bytes;
  }

  at(atMs: number): number {
    this.#move(atMs);
    const left = Math.max(0, 1 - (atMs - this.#sinceMs) / stepMs);
    return Math.round(this.#latest + this.#before * left);
  }

  #move(atMs: number): void {
    const ageMs = atMs - this.#sinceMs;
    if (ageMs < stepMs) return;
    this.#before = ageMs < 2 * stepMs ? this.#latest : 0;
    this.#latest = 0;
    this.#sinceMs = ageMs < 2 * stepMs ? this.#sinceMs + stepMs : atMs;
  }
}
