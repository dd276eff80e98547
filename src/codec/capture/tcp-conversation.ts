/**
 * One made-up TCP connection, told as it happens: handshake, segments each acknowledged at once, FIN of either side in its
 * turn, RST. Nothing is ever left unacknowledged, so no analysis finds a full window, a gap or a retransmission that was
 * not there (capture.md, section 3); and nothing follows a RST or the second FIN.
 */
import { randomInt } from "node:crypto";
import type { TcpAddress } from "../address.ts";
import { ipBytes } from "../ip-bytes.ts";
import { Malformed } from "../malformed.ts";
import { quoted } from "../terminal-text.ts";
import { type Frame, FrameSender, lengthOf, maxSegmentBytes, tcpFlags } from "./frame.ts";
import type { RecentSums } from "./recent-sums.ts";

/** `up` is from the end that dialed, `down` from the end that accepted. */
export type Direction = "up" | "down";

export interface ConversationFacts {
  /** 1 to 3, or any other byte for further SSH hops: it marks the MAC addresses. */
  readonly leg: number;
  /** Who dialed. The host is an IP address, and of the same family as the other's. */
  readonly from: TcpAddress;
  readonly to: TcpAddress;
  /** Initial sequence numbers; random when left out. A reused port with a reused number would merge two connections. */
  readonly sequences?: Readonly<Record<Direction, number>> | undefined;
  /** Shared by the conversations of one capture, to sum a chunk once for two legs. */
  readonly sums?: RecentSums | undefined;
}

/** Takes one frame, in order and at once. `comment` is what its packet should carry. */
export type EmitFrame = (direction: Direction, frame: Frame, comment: string | undefined) => void;

export class TcpConversation {
  readonly #up: Side;
  readonly #down: Side;
  readonly #emit: EmitFrame;
  #state: "unopened" | "open" | "ended" = "unopened";

  /** Throws Malformed when the two ends are not IP addresses of one family. */
  constructor(facts: ConversationFacts, emit: EmitFrame) {
    const dialer = { ip: wireAddress(facts.from), port: facts.from.port, role: "dialer" } as const;
    const acceptor = { ip: wireAddress(facts.to), port: facts.to.port, role: "acceptor" } as const;
    const { leg, sums, sequences = { up: randomInt(2 ** 32), down: randomInt(2 ** 32) } } = facts;
    this.#up = newSide("up", new FrameSender(leg, dialer, acceptor, sums), sequences.up);
    this.#down = newSide("down", new FrameSender(leg, acceptor, dialer, sums), sequences.down);
    this.#emit = emit;
  }

  /** True once nothing more can be emitted: both sides sent FIN, or one RST. */
  get ended(): boolean {
    return this.#state === "ended";
  }

  /** SYN (which carries the comment), SYN-ACK, ACK. */
  open(comment?: string): void {
    if (this.#state !== "unopened") return;
    this.#state = "open";
    this.#sendSyn(comment);
    this.#send(this.#down, tcpFlags.syn | tcpFlags.ack);
    advance(this.#down, 1);
    this.#send(this.#up, tcpFlags.ack);
  }

  /** The acceptor said no: SYN (which carries the comment), RST+ACK. */
  refused(comment?: string, rstComment?: string): void {
    if (this.#state !== "unopened") return;
    this.#state = "ended";
    this.#sendSyn(comment);
    // RFC 9293, section 3.10.7.1: the answer to a SYN for which there is no connection has sequence number 0.
    this.#down.sequence = 0;
    this.#send(this.#down, tcpFlags.rst | tcpFlags.ack, noPayload, rstComment);
  }

  /** Slices that follow each other: cut into segments, then acknowledged once. Hand over one SSH packet at a time on leg 2. */
  data(direction: Direction, slices: readonly Uint8Array[]): void {
    const side = this.#speaking(direction);
    if (side === undefined) return;
    const segments = cutSegments(slices);
    for (const payload of segments) {
      this.#send(side, tcpFlags.psh | tcpFlags.ack, payload);
      advance(side, lengthOf(payload));
    }
    if (segments.length > 0) this.#send(this.#otherThan(side), tcpFlags.ack);
  }

  /**
   * Bytes that went by and are not in the capture: the sequence number moves on, and Wireshark says "not captured", which
   * is the truth. Returns how many frames were lost by it, for isb_ifdrop.
   */
  skip(direction: Direction, bytes: number): number {
    const side = this.#speaking(direction);
    if (side === undefined || bytes === 0) return 0;
    advance(side, bytes);
    return Math.ceil(bytes / maxSegmentBytes) + 1;
  }

  /** FIN+ACK, then ACK. The other direction goes on until its own end. */
  end(direction: Direction): void {
    const side = this.#speaking(direction);
    if (side === undefined) return;
    const other = this.#otherThan(side);
    side.finished = true;
    this.#send(side, tcpFlags.fin | tcpFlags.ack);
    advance(side, 1);
    this.#send(other, tcpFlags.ack);
    if (other.finished) this.#state = "ended";
  }

  /** RST+ACK (which carries the comment), from the side that broke the connection. One that was never opened just ends. */
  abort(by: Direction, comment?: string): void {
    if (this.#state === "open") this.#send(this.#side(by), tcpFlags.rst | tcpFlags.ack, noPayload, comment);
    this.#state = "ended";
  }

  /** The side that may still send. A connection that was met while it lived gets its handshake now. */
  #speaking(direction: Direction): Side | undefined {
    if (this.#state === "unopened") this.open(lateHandshake);
    const side = this.#side(direction);
    return this.#state === "ended" || side.finished ? undefined : side;
  }

  #sendSyn(comment: string | undefined): void {
    this.#send(this.#up, tcpFlags.syn, noPayload, comment);
    advance(this.#up, 1);
  }

  #send(side: Side, flags: number, payload: readonly Uint8Array[] = noPayload, comment?: string): void {
    // The first SYN has nothing to acknowledge yet, and its field is zero (RFC 9293, section 3.1).
    const acknowledgement = (flags & tcpFlags.ack) === 0 ? 0 : this.#otherThan(side).sequence;
    this.#emit(
      side.direction,
      side.sender.frame({ flags, sequence: side.sequence, acknowledgement, payload }),
      comment,
    );
  }

  #side(direction: Direction): Side {
    return direction === "up" ? this.#up : this.#down;
  }

  #otherThan(side: Side): Side {
    return side === this.#up ? this.#down : this.#up;
  }
}

interface Side {
  readonly direction: Direction;
  readonly sender: FrameSender;
  /** Of the next byte to be sent. */
  sequence: number;
  finished: boolean;
}

const lateHandshake = "porthop: handshake added late, the connection is older than its capture";

const noPayload: readonly Uint8Array[] = [];

function newSide(direction: Direction, sender: FrameSender, sequence: number): Side {
  return { direction, sender, sequence: sequence >>> 0, finished: false };
}

function advance(side: Side, bytes: number): void {
  side.sequence = (side.sequence + bytes) >>> 0;
}

function wireAddress(end: TcpAddress): Uint8Array {
  const ip = ipBytes(end.host);
  if (ip === undefined) throw new Malformed(`${quoted(end.host)} is not an IP address`);
  return ip;
}

/** Runs of slices of at most maxSegmentBytes each; none at all for no bytes. */
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
