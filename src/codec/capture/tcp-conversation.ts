/**
 * One made-up TCP connection: each method takes one event and returns its frames (handshake, segments, FIN or RST).
 * All data is acknowledged at once, so that no analysis finds a full window, a gap or a retransmission that did not
 * happen. No frame follows a RST or the second FIN.
 */
import { randomInt } from "node:crypto";
import { quoted } from "../../text/terminal-text.ts";
import type { TcpAddress } from "../address.ts";
import { ipBytes } from "../ip-bytes.ts";
import { Malformed } from "../malformed.ts";
import { type Frame, FrameSender, lengthOf, maxSegmentBytes, tcpFlags } from "./frame.ts";
import type { RecentSums } from "./recent-sums.ts";

/** `up` is from the end that dialed, `down` from the end that accepted. */
export type TcpDirection = "up" | "down";

export interface ConversationFacts {
  /** 1 to 3, or any other byte for further SSH hops: it marks the MAC addresses. */
  readonly leg: number;
  /** The end that dialed. Both hosts are IP addresses, of one family. */
  readonly from: TcpAddress;
  readonly to: TcpAddress;
  /**
   * Initial sequence numbers. The default is random: a reused port with a reused number would merge two connections.
   */
  readonly sequences?: Readonly<Record<TcpDirection, number>> | undefined;
  /** Shared by the conversations of one capture, to sum a chunk once for two legs. */
  readonly sums?: RecentSums | undefined;
}

/** A frame on its way from one end to the other, and the comment that its packet should carry. */
export interface SentFrame {
  readonly direction: TcpDirection;
  readonly frame: Frame;
  readonly comment: string | undefined;
}

/** What `skip` returns for bytes that are not captured. `frames` holds at most a late handshake. */
export interface Skipped {
  readonly frames: readonly SentFrame[];
  /** How many frames the bytes would have been, for isb_ifdrop. */
  readonly lost: number;
}

export class TcpConversation {
  readonly #up: TcpSide;
  readonly #down: TcpSide;
  #state: "unopened" | "open" | "ended" = "unopened";

  /** Throws Malformed when the two ends are not IP addresses of one family. */
  constructor(facts: ConversationFacts) {
    const dialer = { ip: wireAddress(facts.from), port: facts.from.port, role: "dialer" } as const;
    const acceptor = { ip: wireAddress(facts.to), port: facts.to.port, role: "acceptor" } as const;
    const { leg, sums, sequences = { up: randomInt(2 ** 32), down: randomInt(2 ** 32) } } = facts;
    this.#up = newSide("up", new FrameSender(leg, dialer, acceptor, sums), sequences.up);
    this.#down = newSide("down", new FrameSender(leg, acceptor, dialer, sums), sequences.down);
  }

  /** True once nothing more can be sent: both sides sent FIN, or one RST. */
  get ended(): boolean {
    return this.#state === "ended";
  }

  /** SYN (which carries the comment), SYN-ACK, ACK. */
  open(comment?: string): readonly SentFrame[] {
    if (this.#state !== "unopened") return nothing;
    this.#state = "open";
    const syn = this.#syn(comment);
    const synAck = this.#sent(this.#down, tcpFlags.syn | tcpFlags.ack);
    advance(this.#down, 1);
    return [syn, synAck, this.#sent(this.#up, tcpFlags.ack)];
  }

  /** The acceptor refused the connection: SYN (which carries the comment), RST+ACK. */
  refused(comment?: string, rstComment?: string): readonly SentFrame[] {
    if (this.#state !== "unopened") return nothing;
    this.#state = "ended";
    const syn = this.#syn(comment);
    // RFC 9293, section 3.10.7.1: the answer to a SYN for which there is no connection has sequence number 0.
    this.#down.sequence = 0;
    return [syn, this.#sent(this.#down, tcpFlags.rst | tcpFlags.ack, noPayload, rstComment)];
  }

  /**
   * Cuts consecutive slices into segments and acknowledges them with one frame. On leg 2, pass one SSH packet per call.
   */
  data(direction: TcpDirection, slices: readonly Uint8Array[]): readonly SentFrame[] {
    const frames = this.#lateHandshake();
    const side = this.#speaking(direction);
    if (side === undefined) return frames;
    const segments = cutSegments(slices);
    for (const payload of segments) {
      frames.push(this.#sent(side, tcpFlags.psh | tcpFlags.ack, payload));
      advance(side, lengthOf(payload));
    }
    if (segments.length > 0) frames.push(this.#sent(this.#otherThan(side), tcpFlags.ack));
    return frames;
  }

  /**
   * Counts bytes that passed and are not in the capture: only the sequence number
   * moves on. Wireshark then says "not captured", which is true.
   */
  skip(direction: TcpDirection, bytes: number): Skipped {
    const frames = this.#lateHandshake();
    const side = this.#speaking(direction);
    if (side === undefined || bytes === 0) return { frames, lost: 0 };
    advance(side, bytes);
    return { frames, lost: Math.ceil(bytes / maxSegmentBytes) + 1 };
  }

  /** FIN+ACK, then ACK. The other direction goes on until its own end. */
  end(direction: TcpDirection): readonly SentFrame[] {
    const frames = this.#lateHandshake();
    const side = this.#speaking(direction);
    if (side === undefined) return frames;
    const other = this.#otherThan(side);
    side.finished = true;
    frames.push(this.#sent(side, tcpFlags.fin | tcpFlags.ack));
    advance(side, 1);
    frames.push(this.#sent(other, tcpFlags.ack));
    if (other.finished) this.#state = "ended";
    return frames;
  }

  /** RST+ACK (which carries the comment) from the side that broke the connection; no frame before `open`. */
  abort(by: TcpDirection, comment?: string): readonly SentFrame[] {
    const isOpen = this.#state === "open";
    this.#state = "ended";
    return isOpen ? [this.#sent(this.#side(by), tcpFlags.rst | tcpFlags.ack, noPayload, comment)] : nothing;
  }

  /** The handshake of a connection that is older than its capture; empty when the handshake is written already. */
  #lateHandshake(): SentFrame[] {
    return this.#state === "unopened" ? [...this.open(lateComment)] : [];
  }

  /** The side that sends in this direction; undefined when that side may not send any more. */
  #speaking(direction: TcpDirection): TcpSide | undefined {
    const side = this.#side(direction);
    return this.#state === "ended" || side.finished ? undefined : side;
  }

  #syn(comment: string | undefined): SentFrame {
    const syn = this.#sent(this.#up, tcpFlags.syn, noPayload, comment);
    advance(this.#up, 1);
    return syn;
  }

  #sent(side: TcpSide, flags: number, payload: readonly Uint8Array[] = noPayload, comment?: string): SentFrame {
    // The first SYN has nothing to acknowledge yet: the acknowledgement field is zero (RFC 9293, section 3.1).
    const acknowledgement = (flags & tcpFlags.ack) === 0 ? 0 : this.#otherThan(side).sequence;
    const frame = side.sender.frame({ flags, sequence: side.sequence, acknowledgement, payload });
    return { direction: side.direction, frame, comment };
  }

  #side(direction: TcpDirection): TcpSide {
    return direction === "up" ? this.#up : this.#down;
  }

  #otherThan(side: TcpSide): TcpSide {
    return side === this.#up ? this.#down : this.#up;
  }
}

interface TcpSide {
  readonly direction: TcpDirection;
  readonly sender: FrameSender;
  /** The sequence number of the next byte. */
  sequence: number;
  finished: boolean;
}

const lateComment = "porthop: handshake added late, the connection is older than its capture";

const noPayload: readonly Uint8Array[] = [];

const nothing: readonly SentFrame[] = [];

function newSide(direction: TcpDirection, sender: FrameSender, sequence: number): TcpSide {
  return { direction, sender, sequence: sequence >>> 0, finished: false };
}

function advance(side: TcpSide, bytes: number): void {
  side.sequence = (side.sequence + bytes) >>> 0;
}

function wireAddress(end: TcpAddress): Uint8Array {
  const ip = ipBytes(end.host);
  if (ip === undefined) throw new Malformed(`${quoted(end.host)} is not an IP address`);
  return ip;
}

/** Groups of slices with at most maxSegmentBytes each; no group when there are no bytes. */
function cutSegments(slices: readonly Uint8Array[]): readonly (readonly Uint8Array[])[] {
  const bytes = lengthOf(slices);
  if (bytes === 0) return [];
  if (bytes <= maxSegmentBytes) return [slices];
  const segments: Uint8Array[][] = [];
  let room = 0;
  for (const slice of slices) {
    let from = 0;
    while (from < slice.length) {
      if (room === 0) {
        segments.push([]);
        room = maxSegmentBytes;
      }
      const to = Math.min(from + room, slice.length);
      segments.at(-1)?.push(slice.subarray(from, to));
      room -= to - from;
      from = to;
    }
  }
  return segments;
}
