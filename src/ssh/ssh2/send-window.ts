/**
 * How much of an upload may be on its way while others exchange small messages. A server opens its window (RFC 4254,
 * section 5.2) for what it has passed on, so what lies between here and the target is known: in our queue, in the
 * buffers of both systems, in the server. A small message waits behind all of it.
 */
import { narrowMs, type Talk, TransferPace } from "./transfer-pace.ts";
import type { WindowLink } from "./window-link.ts";

/** What may be on its way at least, unless the server turns out to open its window later than for that. */
const fewestBytes = 256 * 1024;

export class SendWindow {
  readonly #link: WindowLink;
  readonly #pace: TransferPace;
  /** What the server lets us send, and what of that we allow ourselves. Both as of the last change. */
  #leftBytes: number;
  #allowedBytes: number;
  #onTheWayBytes = 0;
  #passedOnBytes = 0;
  /** The least that the server has passed on before it said so. It may wait for as much again. */
  #stepBytes = Number.POSITIVE_INFINITY;
  /** How often the server has opened its window. */
  openings = 0;
  #fewestBytes = fewestBytes;
  #mostBytes = Number.POSITIVE_INFINITY;

  /** `leftBytes` is the window that came with the channel, `own` what comes on it: answers, and no talk of others. */
  constructor(link: WindowLink, own: Talk, leftBytes: number, now = () => performance.now()) {
    this.#link = link;
    this.#pace = new TransferPace(link, own, now);
    this.#leftBytes = leftBytes;
    this.#allowedBytes = leftBytes;
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
    if (!this.#pace.sample(this.#passedOnBytes)) return;
    const { givesWay, recentBytesPerMs } = this.#pace;
    this.#mostBytes =
      givesWay && roundTripMs !== undefined
        ? Math.max(this.#fewestBytes, 2 * this.#stepBytes, recentBytesPerMs * narrowMs(roundTripMs))
        : Number.POSITIVE_INFINITY;
  }
}
