/**
 * How much of an upload may be on its way while others exchange small messages. A server opens its window (RFC 4254,
 * section 5.2) for what it has passed on, so what lies between here and the target is known: in our queue, in the
 * buffers of both systems, in the server. A small message waits behind all of it.
 */
import type { ReceiveWindow } from "./receive-window.ts";
import type { WindowLink } from "./window-link.ts";

/** What may be on its way at least, unless the server turns out to open its window later than for that. */
const fewestBytes = 256 * 1024;
/** What may wait beyond the round trip, and how much longer than the shortest one round trips may be. */
const queueMs = 1;
const trips = 1.25;
/** The rate is taken over a round trip, and over this time at least. */
const sampleMs = 10;
/** An upload with fewer bytes in a millisecond makes nobody wait. */
const bulkBytesPerMs = 1024;
/** How long an upload gives way after the last small message. */
const givesWayMs = 1000;
/** How much of a rate that has fallen still counts after one sample. */
const remembered = 0.75;
/** The part of its best rate that the link is believed to have still, whatever the samples say. */
const undoubted = 0.4;

export class SendWindow {
  readonly #link: WindowLink;
  /** The other direction of the same channel: its own answers are no messages of others. */
  readonly #own: Pick<ReceiveWindow, "smallArrivals">;
  readonly #now: () => number;
  /** What the server lets us send, and what of that we allow ourselves. Both as of the last change. */
  #leftBytes: number;
  #allowedBytes: number;
  #onTheWayBytes = 0;
  #passedOnBytes = 0;
  /** The least that the server has passed on before it said so. It may wait for as much again. */
  #stepBytes = Number.POSITIVE_INFINITY;
  /** How often the server has opened its window. */
  openings = 0;
  #sinceMs: number;
  #fewestBytes = fewestBytes;
  #rateBytesPerMs = 0;
  #bestBytesPerMs = 0;
  #foreign = 0;
  #givesWayUntilMs = Number.NEGATIVE_INFINITY;
  #mostBytes = Number.POSITIVE_INFINITY;

  /** `leftBytes` is the window that came with the channel. */
  constructor(
    link: WindowLink,
    own: Pick<ReceiveWindow, "smallArrivals">,
    leftBytes: number,
    now = () => performance.now(),
  ) {
    this.#link = link;
    this.#own = own;
    this.#leftBytes = leftBytes;
    this.#allowedBytes = leftBytes;
    this.#now = now;
    this.#sinceMs = now();
  }

  /**
   * The server has opened its window. `unusedBytes` is what was not sent of what was allowed. Returns what may be sent
   * now.
   */
  opened(bytes: number, unusedBytes: number): number {
    this.openings += 1;
    this.#stepBytes = Math.min(this.#stepBytes, bytes);
    const sentBytes = this.#allowedBytes - unusedBytes;
    const passedOnBytes = Math.min(bytes, this.#onTheWayBytes + sentBytes);
    this.#leftBytes += bytes - sentBytes;
    this.#onTheWayBytes += sentBytes - passedOnBytes;
    this.#passedOnBytes += passedOnBytes;
    this.#sample();
    return this.#allow();
  }

  /** The server has not opened its window for a while: twice as much is tried. Returns what may be sent now. */
  late(unusedBytes: number): number {
    const sentBytes = this.#allowedBytes - unusedBytes;
    this.#leftBytes -= sentBytes;
    this.#onTheWayBytes += sentBytes;
    this.#fewestBytes *= 2;
    this.#mostBytes = Math.max(this.#mostBytes, this.#fewestBytes);
    return this.#allow();
  }

  /** True when less may be sent than the server allows. */
  get holdsBack(): boolean {
    return this.#allowedBytes < this.#leftBytes;
  }

  #allow(): number {
    this.#allowedBytes = Math.max(0, Math.min(this.#leftBytes, Math.floor(this.#mostBytes - this.#onTheWayBytes)));
    return this.#allowedBytes;
  }

  #sample(): void {
    const { roundTripMs } = this.#link;
    const nowMs = this.#now();
    const passedMs = nowMs - this.#sinceMs;
    if (passedMs < Math.max(sampleMs, roundTripMs ?? 0)) return;
    const bytesPerMs = this.#passedOnBytes / passedMs;
    this.#sinceMs = nowMs;
    this.#passedOnBytes = 0;
    const foreign = this.#link.smallArrivals - this.#own.smallArrivals;
    if (foreign !== this.#foreign) this.#givesWayUntilMs = nowMs + givesWayMs;
    this.#foreign = foreign;
    const givesWay = nowMs < this.#givesWayUntilMs && roundTripMs !== undefined;
    this.#bestBytesPerMs = Math.max(bytesPerMs, this.#bestBytesPerMs);
    // An upload that gives way may show less than the link can do. By that it would give way more and more.
    const leastBytesPerMs = this.#bestBytesPerMs * undoubted;
    this.#rateBytesPerMs = Math.max(bytesPerMs, remembered * this.#rateBytesPerMs, leastBytesPerMs);
    this.#mostBytes =
      givesWay && this.#rateBytesPerMs >= bulkBytesPerMs
        ? Math.max(this.#fewestBytes, 2 * this.#stepBytes, this.#rateBytesPerMs * (trips * roundTripMs + queueMs))
        : Number.POSITIVE_INFINITY;
  }
}
