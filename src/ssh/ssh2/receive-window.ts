/**
 * How large the window of one channel is (RFC 4254, section 5.2, sets no limit). A fixed one of 2 MiB carries 40 MB/s
 * over a round trip of 50 ms, on any line. So it follows what the reader takes within a round trip, as a TCP receive
 * buffer does, and gives way while small messages would wait behind it. A reader that never kept up holds 2 MiB.
 */
import { narrowMs, spareTrips, TransferPace } from "./transfer-pace.ts";
import type { WindowLink } from "./window-link.ts";

/** The window that is offered with each channel: the most bytes that may be on their way or unread. */
export const windowBytes = 2 * 1024 * 1024;
/** The largest window of one channel: 200 MB/s at a round trip of 150 ms. */
const mostBytes = 32 * 1024 * 1024;
/** The smallest one, of a bulk transfer that gives way: 10 MB/s where round trips of 50 ms vary by as much. */
const fewestBytes = 512 * 1024;
/** The window is opened in steps: an opening for each packet would be a packet more. */
const [fewestStepBytes, mostStepBytes] = [32 * 1024, 512 * 1024];
/**
 * Room for twice of what a round trip brings: a window that holds the server back then doubles. When the rate no longer
 * grows with it, the line is full, and room for a quarter more is enough: nobody has to wait behind the rest.
 */
const growingTrips = 2;
/** After so many samples without a higher rate the line is full. */
const fullSamples = 4;
/** Of so many samples on a full line, the first ones try whether the line has more room by now. */
const [roundSamples, tryingSamples] = [10, 3];

export class ReceiveWindow {
  readonly #link: WindowLink;
  readonly #pace: TransferPace;
  #targetBytes = windowBytes;
  #lentBytes = 0;
  /** Counts the arrivals while this was no bulk transfer. */
  smallArrivals = 0;
  /** All bytes that came. */
  #takenBytes = 0;
  /** The least that waited for the reader in this sample. A whole window may arrive at once, and waits for a moment. */
  #leastUnreadBytes = Number.POSITIVE_INFINITY;

  constructor(link: WindowLink, now = () => performance.now()) {
    this.#link = link;
    this.#pace = new TransferPace(link, this, now);
  }

  /** Data came on the channel. */
  took(bytes: number): void {
    this.#takenBytes += bytes;
    if (this.#pace.isBulk) return;
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
    const pace = this.#pace;
    this.#leastUnreadBytes = Math.min(this.#leastUnreadBytes, unreadBytes);
    if (!pace.sample(this.#takenBytes - unreadBytes)) return;
    const isBehind = this.#leastUnreadBytes > this.#targetBytes / 2;
    this.#leastUnreadBytes = Number.POSITIVE_INFINITY;
    if (isBehind) pace.forget();
    // Without a round trip nothing can be said about the link.
    if (roundTripMs === undefined) return;
    const roomyBytes = Math.max(windowBytes, pace.bestBytesPerMs * this.#trips * roundTripMs);
    const giveWayMs = narrowMs(roundTripMs);
    // Round trips may be longer than the shortest one. A rate that the window itself holds down is then taken for what
    // the link does, again and again. The first window, which ssh has too, is not doubted.
    const undoubtedBytes = Math.min(windowBytes, pace.bestBytesPerMs * giveWayMs);
    const narrowBytes = Math.max(fewestBytes, undoubtedBytes, pace.recentBytesPerMs * giveWayMs);
    this.#targetBytes = Math.min(mostBytes, roomyBytes, pace.givesWay ? narrowBytes : mostBytes);
  }

  get #trips(): number {
    const samples = this.#pace.steadySamples;
    return samples < fullSamples || samples % roundSamples < tryingSamples ? growingTrips : spareTrips;
  }
}
