/**
 * How large the window of one channel is (RFC 4254, section 5.2, sets no limit). A fixed one of 2 MiB carries 40 MB/s
 * over a round trip of 50 ms, on any line. So it follows what the reader takes within a round trip, as a TCP receive
 * buffer does, and gives way while small messages would wait behind it. A reader that never kept up holds 2 MiB.
 */
import type { WindowLink } from "./window-link.ts";

/** The window that is offered with each channel: the most bytes that may be on their way or unread. */
export const windowBytes = 2 * 1024 * 1024;
/** The largest window of one channel: 200 MB/s at a round trip of 150 ms. */
const mostBytes = 32 * 1024 * 1024;
/** The smallest one, of a bulk transfer that gives way: 10 MB/s where round trips of 50 ms vary by as much. */
const fewestBytes = 512 * 1024;
/** The window is opened in steps: an opening for each packet would be a packet more. */
const [fewestStepBytes, mostStepBytes] = [32 * 1024, 512 * 1024];
/** The rate is taken over a round trip, and over this time at least: what one turn of the event loop brings is no rate. */
const sampleMs = 10;
/** A channel with fewer bytes in a millisecond is no bulk transfer. */
const bulkBytesPerMs = 1024;
/** How long a bulk transfer gives way after the last small message, and what may wait for the network meanwhile. */
const givesWayMs = 1000;
const queueMs = 1;
/**
 * Room for twice of what a round trip brings: a window that holds the server back then doubles. When the rate no longer
 * grows with it, the line is full, and room for a quarter more is enough: nobody has to wait behind the rest. What gives
 * way has less.
 */
const [growingTrips, fullTrips, narrowTrips] = [2, 1.25, 1.15];
/** By how much a rate has to exceed the best one so far to count as growing, and after how many others the line is full. */
const growth = 1.1;
const fullSamples = 4;
/** Of so many samples on a full line, the first ones try whether the line has more room by now. */
const [roundSamples, tryingSamples] = [10, 3];
/** How much of a rate that has fallen still counts after one sample, so that one slow moment changes little. */
const remembered = 0.75;
/** The part of its best rate that the link is believed to have still, whatever the samples say. */
const undoubted = 0.25;

export class ReceiveWindow {
  readonly #link: WindowLink;
  readonly #now: () => number;
  #targetBytes = windowBytes;
  #lentBytes = 0;
  #isBulk = false;
  /** Counts the arrivals while this was no bulk transfer. */
  smallArrivals = 0;
  /** All bytes that came. */
  #takenBytes = 0;
  /** The sample under way: since when, and what had been read then. */
  #sinceMs: number;
  #readBytes = 0;
  /** The least that waited for the reader in this sample. A whole window may arrive at once, and waits for a moment. */
  #leastUnreadBytes = Number.POSITIVE_INFINITY;
  /** The highest rate since the reader last fell behind, and the one of the last moments. */
  #bestBytesPerMs = 0;
  #recentBytesPerMs = 0;
  /** How many samples in a row have shown no higher rate. */
  #steadySamples = 0;
  /** The small arrivals on other channels, as far as they were looked at. */
  #foreign = 0;
  #givesWayUntilMs = Number.NEGATIVE_INFINITY;

  constructor(link: WindowLink, now = () => performance.now()) {
    this.#link = link;
    this.#now = now;
    this.#sinceMs = now();
  }

  /** Data came on the channel. */
  took(bytes: number): void {
    this.#takenBytes += bytes;
    if (this.#isBulk) return;
    this.smallArrivals += 1;
    this.#link.smallArrivals += 1;
  }

  /**
   * By how much to open the window, 0 for not yet. `leftBytes` are those that the server may still send, `unreadBytes`
   * those that came and wait for the reader.
   */
  opening(leftBytes: number, unreadBytes: number): number {
    this.#sample(unreadBytes);
    const heldBytes = leftBytes + unreadBytes;
    this.#borrow(heldBytes);
    const bytes = Math.min(this.#targetBytes, windowBytes + this.#link.pool.most(this.#lentBytes)) - heldBytes;
    const stepBytes = Math.min(mostStepBytes, Math.max(fewestStepBytes, this.#targetBytes / 16));
    if (bytes < stepBytes) return 0;
    this.#borrow(heldBytes + bytes);
    return Math.floor(bytes);
  }

  /** Nothing more comes on the channel: only what waits for the reader is held. */
  ended(unreadBytes: number): void {
    this.#borrow(unreadBytes);
  }

  #borrow(heldBytes: number): void {
    const lentBytes = Math.max(0, Math.floor(heldBytes) - windowBytes);
    if (lentBytes === this.#lentBytes) return;
    this.#link.lend(lentBytes - this.#lentBytes);
    this.#lentBytes = lentBytes;
  }

  /** Takes the measure once for each round trip. What counts is what was read, not what came. */
  #sample(unreadBytes: number): void {
    const { roundTripMs } = this.#link;
    this.#leastUnreadBytes = Math.min(this.#leastUnreadBytes, unreadBytes);
    const nowMs = this.#now();
    const passedMs = nowMs - this.#sinceMs;
    if (passedMs < Math.max(sampleMs, roundTripMs ?? 0)) return;
    const readBytes = this.#takenBytes - unreadBytes;
    const bytesPerMs = (readBytes - this.#readBytes) / passedMs;
    this.#sinceMs = nowMs;
    this.#readBytes = readBytes;
    this.#isBulk = bytesPerMs >= bulkBytesPerMs;
    const foreign = this.#link.smallArrivals - this.smallArrivals;
    if (foreign !== this.#foreign) this.#givesWayUntilMs = nowMs + givesWayMs;
    this.#foreign = foreign;
    // Without a round trip nothing can be said about the link.
    if (roundTripMs === undefined) return;
    this.#steadySamples = bytesPerMs > growth * this.#bestBytesPerMs ? 0 : this.#steadySamples + 1;
    const isBehind = this.#leastUnreadBytes > this.#targetBytes / 2;
    this.#leastUnreadBytes = Number.POSITIVE_INFINITY;
    this.#bestBytesPerMs = Math.max(bytesPerMs, (isBehind ? remembered : 1) * this.#bestBytesPerMs);
    const roomyBytes = Math.max(windowBytes, this.#bestBytesPerMs * this.#trips * roundTripMs);
    // While it gives way a transfer may show less than the link can do, and by that would give way more and more.
    const leastBytesPerMs = this.#bestBytesPerMs * undoubted;
    this.#recentBytesPerMs = Math.max(bytesPerMs, remembered * this.#recentBytesPerMs, leastBytesPerMs);
    const givesWay = this.#isBulk && nowMs < this.#givesWayUntilMs;
    const narrowBytes = Math.max(fewestBytes, this.#recentBytesPerMs * (narrowTrips * roundTripMs + queueMs));
    this.#targetBytes = Math.min(mostBytes, roomyBytes, givesWay ? narrowBytes : mostBytes);
  }

  get #trips(): number {
    const samples = this.#steadySamples;
    return samples < fullSamples || samples % roundSamples < tryingSamples ? growingTrips : fullTrips;
  }
}
