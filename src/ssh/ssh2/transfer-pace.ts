/**
 * How fast one direction of a channel goes, measured once for each round trip, and whether it gives way: a bulk transfer
 * does while other channels of the session exchange small messages, which would wait behind it.
 */
import type { WindowLink } from "./window-link.ts";

/** The rate is taken over a round trip, and over this time at least: what one turn of the event loop brings is no rate. */
const sampleMs = 10;
/** A direction with fewer bytes in a millisecond is no bulk transfer, and makes nobody wait. */
const bulkBytesPerMs = 1024;
/** How long a bulk transfer gives way after the last small message. */
const givesWayMs = 1000;
/** How much of a rate that has fallen still counts after one sample, so that one slow moment changes little. */
const remembered = 0.75;
/** The part of its best rate that the link is believed to have still, whatever the samples say. */
const undoubted = 0.4;
/** By how much a rate has to exceed the best one so far to count as growing. */
const growth = 1.1;
/** What may wait beyond the round trip while a transfer gives way. */
const queueMs = 1;
/** How much longer than the shortest one round trips may be without a loss of speed. */
export const spareTrips = 1.25;

/** What a transfer that gives way may have on its way, as the time that its rate takes for it. */
export function narrowMs(roundTripMs: number): number {
  return spareTrips * roundTripMs + queueMs;
}

/** The small messages that came on one channel. Its own ones are no reason to give way. */
export interface Talk {
  readonly smallArrivals: number;
}

export class TransferPace {
  readonly #link: WindowLink;
  readonly #own: Talk;
  readonly #now: () => number;
  isBulk = false;
  givesWay = false;
  /** The highest rate, and the one of the last moments. */
  bestBytesPerMs = 0;
  recentBytesPerMs = 0;
  /** How many samples in a row have shown no higher rate than before. */
  steadySamples = 0;
  #lastBytesPerMs = 0;
  /** The sample under way: since when, and how many bytes had passed then. */
  #sinceMs: number;
  #bytes = 0;
  /** The small messages of others, as far as they were looked at. */
  #foreign = 0;
  #givesWayUntilMs = Number.NEGATIVE_INFINITY;

  constructor(link: WindowLink, own: Talk, now: () => number) {
    this.#link = link;
    this.#own = own;
    this.#now = now;
    this.#sinceMs = now();
  }

  /** True when a sample is over. `bytes` is all that has passed so far. */
  sample(bytes: number): boolean {
    const nowMs = this.#now();
    const passedMs = nowMs - this.#sinceMs;
    if (passedMs < Math.max(sampleMs, this.#link.roundTripMs ?? 0)) return false;
    const bytesPerMs = (bytes - this.#bytes) / passedMs;
    this.#sinceMs = nowMs;
    this.#bytes = bytes;
    this.#lastBytesPerMs = bytesPerMs;
    this.isBulk = bytesPerMs >= bulkBytesPerMs;
    this.steadySamples = bytesPerMs > growth * this.bestBytesPerMs ? 0 : this.steadySamples + 1;
    this.bestBytesPerMs = Math.max(bytesPerMs, this.bestBytesPerMs);
    // While it gives way a transfer may show less than the link can do, and by that would give way more and more.
    this.recentBytesPerMs = Math.max(bytesPerMs, remembered * this.recentBytesPerMs, undoubted * this.bestBytesPerMs);
    const foreign = this.#link.smallArrivals - this.#own.smallArrivals;
    if (foreign !== this.#foreign) this.#givesWayUntilMs = nowMs + givesWayMs;
    this.#foreign = foreign;
    this.givesWay = this.recentBytesPerMs >= bulkBytesPerMs && nowMs < this.#givesWayUntilMs;
    return true;
  }

  /**
   * The reader has fallen behind: what was best is forgotten bit by bit, and not what the reader takes now. That would
   * count as growing again.
   */
  forget(): void {
    this.bestBytesPerMs = Math.max(this.#lastBytesPerMs, remembered * this.bestBytesPerMs);
  }
}
