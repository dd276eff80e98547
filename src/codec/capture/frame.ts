/**
 * Made-up Ethernet, IP and TCP headers in front of real payload. A frame is written straight to where it will stay, so
 * that its payload is copied once and can be let go. The MAC addresses are locally administered and marked (02:70:68 is "ph"): they tell the leg and the end even in a classic
 * pcap file. All checksums are valid.
 */

import { Malformed } from "../malformed.ts";
import type { WritablePacket } from "./block-space.ts";
import { addSum, checksumOf, foldSum, sumOf } from "./checksum.ts";
import type { RecentSums } from "./recent-sums.ts";

export const tcpFlags = { fin: 0x01, syn: 0x02, rst: 0x04, psh: 0x08, ack: 0x10 } as const;

/** The largest payload of a frame. IPv4 could carry 65495 bytes without TCP options; more makes tcpdump say "bad-len". */
export const maxSegmentBytes = 65_000;

export interface FrameEnd {
  /** 4 or 16 bytes, as ipBytes gives them. */
  readonly ip: Uint8Array;
  readonly port: number;
  readonly role: "dialer" | "acceptor";
}

export interface Segment {
  /** Of tcpFlags. A SYN gets the options: MSS and window scale. */
  readonly flags: number;
  readonly sequence: number;
  readonly acknowledgement: number;
  /** No longer than maxSegmentBytes together. */
  readonly payload: readonly Uint8Array[];
}

/** One frame, made and not yet written. */
export class Frame implements WritablePacket {
  readonly bytes: number;
  readonly #sender: FrameSender;
  readonly #segment: Segment;
  readonly #identification: number;
  readonly #headerBytes: number;

  constructor(sender: FrameSender, segment: Segment, identification: number) {
    this.#sender = sender;
    this.#segment = segment;
    this.#identification = identification;
    this.#headerBytes = sender.headerBytes + optionsOf(segment).bytes.length;
    this.bytes = this.#headerBytes + lengthOf(segment.payload);
  }

  put(into: Uint8Array, at: number, kept: number): void {
    const headerBytes = this.#headerBytes;
    if (kept < headerBytes) {
      const header = new Uint8Array(headerBytes);
      this.#sender.putHeader(header, 0, this.#segment, this.#identification);
      into.set(header.subarray(0, kept), at);
      return;
    }
    // The payload comes first: to sum bytes that were just copied costs less.
    putSlices(this.#segment.payload, into, at + headerBytes, kept - headerBytes);
    this.#sender.putHeader(into, at, this.#segment, this.#identification);
  }
}

/**
 * Makes the frames that one end of a made-up connection sends: fixed addresses, an IP identification that counts up.
 */
export class FrameSender {
  /** How many bytes stand before the TCP options and the payload. */
  readonly headerBytes: number;
  readonly #template: Uint8Array;
  /** Where the TCP header begins. */
  readonly #tcpAt: number;
  /** Sums of the bytes that are equal in all frames, so that the checksums of a frame need only a few additions. */
  readonly #ipSum: number;
  readonly #tcpSum: number;
  readonly #sums: Pick<RecentSums, "sumOf">;
  #identification = 0;

  /** `leg` is 1 to 3, or any other byte for further SSH hops. Throws Malformed when the ends are not of one IP family. */
  constructor(leg: number, from: FrameEnd, to: FrameEnd, sums: Pick<RecentSums, "sumOf"> = { sumOf }) {
    if (from.ip.length !== to.ip.length) throw new Malformed("the ends of a connection are of different IP families");
    const template = headerTemplate(leg, from, to);
    this.#template = template;
    this.headerBytes = template.length;
    this.#tcpAt = template.length - tcpHeaderBytes;
    const addresses = addSum(sumOf(from.ip), from.ip.length, sumOf(to.ip));
    this.#ipSum = sumOf(template.subarray(ethernetBytes, this.#tcpAt));
    this.#tcpSum = foldSum(addresses + protocolTcp + sumOf(template.subarray(this.#tcpAt)));
    this.#sums = sums;
  }

  frame(segment: Segment): Frame {
    this.#identification = (this.#identification + 1) & 0xffff;
    return new Frame(this, segment, this.#identification);
  }

  /** Writes all that stands before the payload. */
  putHeader(into: Uint8Array, at: number, segment: Segment, identification: number): void {
    const options = optionsOf(segment);
    const tcpBytes = tcpHeaderBytes + options.bytes.length + lengthOf(segment.payload);
    into.set(this.#template, at);
    this.#fillIp(into, at + ethernetBytes, tcpBytes, identification);
    this.#fillTcp(into, at + this.#tcpAt, segment, options, tcpBytes);
  }

  #fillIp(into: Uint8Array, at: number, tcpBytes: number, identification: number): void {
    if (this.#tcpAt === ethernetBytes + ipv6HeaderBytes) {
      putU16(into, at + 4, tcpBytes);
      return;
    }
    const totalBytes = ipv4HeaderBytes + tcpBytes;
    putU16(into, at + 2, totalBytes);
    putU16(into, at + 4, identification);
    putU16(into, at + 10, checksumOf(foldSum(this.#ipSum + totalBytes + identification)));
  }

  #fillTcp(into: Uint8Array, at: number, segment: Segment, options: Options, tcpBytes: number): void {
    // The data offset counts words of four bytes and begins at bit 12: bytes / 4 << 12 is bytes << 10.
    const offsetAndFlags = ((tcpHeaderBytes + options.bytes.length) << 10) | segment.flags;
    putU32(into, at + 4, segment.sequence);
    putU32(into, at + 8, segment.acknowledgement);
    putU16(into, at + 12, offsetAndFlags);
    if (options !== noOptions) into.set(options.bytes, at + tcpHeaderBytes);
    const total = this.#tcpSum + tcpBytes + offsetAndFlags + options.sum + sumOfHalves(segment.sequence);
    const sum = foldSum(total + sumOfHalves(segment.acknowledgement) + this.#payloadSum(segment.payload));
    putU16(into, at + 16, checksumOf(sum));
  }

  #payloadSum(payload: readonly Uint8Array[]): number {
    let sum = 0;
    let bytes = 0;
    for (const slice of payload) {
      sum = addSum(sum, bytes, this.#sums.sumOf(slice));
      bytes += slice.length;
    }
    return sum;
  }
}

/** How many bytes the pieces hold together. */
export function lengthOf(pieces: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const piece of pieces) bytes += piece.length;
  return bytes;
}

interface Options {
  readonly bytes: Uint8Array;
  readonly sum: number;
}

const ethernetBytes = 14;
const ipv4HeaderBytes = 20;
const ipv6HeaderBytes = 40;
const tcpHeaderBytes = 20;
const protocolTcp = 6;
const hopLimit = 64;

const noOptions = asOptions([]);

/**
 * MSS 65495, as on a loopback interface (without an MSS, Wireshark 4.6 notes "exceeds MSS"); a pad; window scale 10.
 */
const synOptions = asOptions([2, 4, 0xff, 0xd7, 1, 3, 3, 10]);

function asOptions(values: readonly number[]): Options {
  const bytes = Uint8Array.from(values);
  return { bytes, sum: sumOf(bytes) };
}

function optionsOf(segment: Segment): Options {
  return (segment.flags & tcpFlags.syn) === 0 ? noOptions : synOptions;
}

/** Writes the first `room` bytes of the slices. */
function putSlices(slices: readonly Uint8Array[], into: Uint8Array, at: number, room: number): void {
  let from = 0;
  for (const slice of slices) {
    if (from + slice.length > room) {
      into.set(slice.subarray(0, room - from), at + from);
      return;
    }
    into.set(slice, at + from);
    from += slice.length;
  }
}

/** The headers with zero in place of lengths, identification, sequence numbers, flags and checksums. */
function headerTemplate(leg: number, from: FrameEnd, to: FrameEnd): Uint8Array {
  const isV4 = from.ip.length === 4;
  const etherType = isV4 ? [0x08, 0x00] : [0x86, 0xdd];
  // IPv4: version and header words, then "do not fragment". IPv6: version, no traffic class, no flow label.
  const ip = isV4
    ? [0x45, 0, 0, 0, 0, 0, 0x40, 0, hopLimit, protocolTcp, 0, 0]
    : [0x60, 0, 0, 0, 0, 0, protocolTcp, hopLimit];
  const tcp = new Uint8Array(tcpHeaderBytes);
  putU16(tcp, 0, from.port);
  putU16(tcp, 2, to.port);
  putU16(tcp, 14, 0xffff);
  return Uint8Array.from([...mac(leg, to), ...mac(leg, from), ...etherType, ...ip, ...from.ip, ...to.ip, ...tcp]);
}

function mac(leg: number, end: FrameEnd): readonly number[] {
  return [0x02, 0x70, 0x68, leg, 0x00, end.role === "dialer" ? 0x01 : 0x02];
}

function sumOfHalves(value: number): number {
  return (value >>> 16) + (value & 0xffff);
}

/** Written by hand: a DataView would make the engine move each small header out of its fast allocation. */
function putU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

function putU32(bytes: Uint8Array, at: number, value: number): void {
  putU16(bytes, at, value >>> 16);
  putU16(bytes, at + 2, value & 0xffff);
}
