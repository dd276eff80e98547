/**
 * The blocks of a pcapng file (draft-ietf-opsawg-pcapng), little endian, nanoseconds, Ethernet.
 * Write them in the order SHB, all IDBs, NRB, packets: Wireshark 4.0 stops collecting interfaces at the first block that
 * is no IDB, and editcap then refuses the file.
 */

import { visible } from "../../text/terminal-text.ts";
import { ipBytes } from "../ip-bytes.ts";
import type { BlockSpace, WritablePacket } from "./block-space.ts";
import { halvesOf, putU16, putU32 } from "./little-endian.ts";
import { encodeOptions, numberOption, type PcapngOption, textOption, timeOption } from "./pcapng-options.ts";

export interface SectionFacts {
  /** Such as `porthop 0.1.0`. */
  readonly application: string;
  readonly hardware?: string | undefined;
  readonly os?: string | undefined;
  readonly comment?: string | undefined;
}

export interface CaptureInterface {
  /** Such as `leg2-ssh`. */
  readonly name: string;
  /** Says whether its packets are synthesised, or who captured them. */
  readonly description: string;
  /** In libpcap's language. */
  readonly filter?: string | undefined;
  readonly os?: string | undefined;
}

export interface CaptureName {
  /** An IP address. */
  readonly address: string;
  readonly name: string;
}

export interface PacketFacts {
  readonly interfaceIndex: number;
  /** Since 1970. */
  readonly timestampNs: bigint;
  /** How many bytes of the packet are kept. */
  readonly snapLength: number;
  /** True when the end that this interface belongs to sent the packet; undefined when the direction is not known. */
  readonly outbound?: boolean | undefined;
  readonly comment?: string | undefined;
}

export interface InterfaceStatistics {
  readonly startNs: bigint;
  readonly endNs: bigint;
  /** All frames, including those that were dropped. */
  readonly received: number;
  /** Frames that were not written, because the disk was too slow. */
  readonly dropped: number;
  /** Frames that the kernel lost before a real capture saw them. */
  readonly droppedByOs?: number | undefined;
}

/** The section header. It says that the section's length is unknown (-1), because the file is written in one pass. */
export function sectionHeader(facts: SectionFacts): Uint8Array {
  const fixed = new Uint8Array(16).fill(0xff);
  putU32(fixed, 0, 0x1a2b3c4d);
  // Version 1.0: the draft says of 1.2 that "most existing software will not be able to read" it.
  putU16(fixed, 4, 1);
  putU16(fixed, 6, 0);
  const { comment, hardware, os, application } = facts;
  const options = [textOption(1, comment), textOption(2, hardware), textOption(3, os), textOption(4, application)];
  return block(0x0a0d0d0a, fixed, encodeOptions(options));
}

/** All interfaces of a file need the same snapshot length, or tcpdump stops. */
export function interfaceDescription(facts: CaptureInterface, snapLength: number): Uint8Array {
  const fixed = new Uint8Array(8);
  putU16(fixed, 0, linkTypeEthernet);
  putU32(fixed, 4, snapLength);
  const names = [textOption(2, facts.name), textOption(3, facts.description)];
  const resolution: PcapngOption = { code: 9, value: Uint8Array.of(9) };
  const filter = textOption(11, facts.filter);
  // A zero byte in front: what follows is the filter's text, not its BPF code.
  const markedFilter = filter && { code: 11, value: Uint8Array.from([0, ...filter.value]) };
  return block(1, fixed, encodeOptions([...names, resolution, markedFilter, textOption(12, facts.os)]));
}

/**
 * Names for addresses; no bytes when no name is left. Loopback addresses are left out, because 127.0.0.1 of every leg
 * would get the name. A text that cannot be a name is left out too: it may come from the network.
 */
export function nameResolution(names: readonly CaptureName[]): Uint8Array {
  const records = names.flatMap(({ address, name }): PcapngOption[] => {
    const ip = ipBytes(address);
    if (ip === undefined || isLoopback(ip) || !isName(name)) return [];
    const text = new TextEncoder().encode(name);
    return [{ code: ip.length === 4 ? 1 : 2, value: Uint8Array.from([...ip, ...text, 0]) }];
  });
  // Records are laid out like options, and 0/0 ends a list of records too.
  return records.length === 0 ? new Uint8Array(0) : block(4, encodeOptions(records), new Uint8Array(0));
}

/** One packet, cut to the snapshot length, between the head and the tail of its block. */
export function putPacket(space: BlockSpace, packet: WritablePacket, facts: PacketFacts): void {
  const captured = Math.min(packet.bytes, facts.snapLength);
  const paddedBytes = (captured + 3) & ~3;
  const options = packetOptions(facts);
  const totalBytes = packetHeadBytes + paddedBytes + options.length + 4;
  const at = space.reserve(totalBytes);
  const { bytes } = space;
  const time = halvesOf(facts.timestampNs);
  putU32(bytes, at, 6);
  putU32(bytes, at + 4, totalBytes);
  putU32(bytes, at + 8, facts.interfaceIndex);
  putU32(bytes, at + 12, time.high);
  putU32(bytes, at + 16, time.low);
  putU32(bytes, at + 20, captured);
  putU32(bytes, at + 24, packet.bytes);
  const tailAt = at + packetHeadBytes + paddedBytes;
  // The packet overwrites what of these four bytes is no padding.
  if (captured > 0) putU32(bytes, tailAt - 4, 0);
  packet.put(bytes, at + packetHeadBytes, captured);
  bytes.set(options, tailAt);
  putU32(bytes, tailAt + options.length, totalBytes);
}

export function interfaceStatistics(interfaceIndex: number, facts: InterfaceStatistics): Uint8Array {
  const fixed = new Uint8Array(12);
  const time = halvesOf(facts.endNs);
  putU32(fixed, 0, interfaceIndex);
  putU32(fixed, 4, time.high);
  putU32(fixed, 8, time.low);
  const counts = [numberOption(4, facts.received), numberOption(5, facts.dropped), numberOption(7, facts.droppedByOs)];
  return block(5, fixed, encodeOptions([timeOption(2, facts.startNs), timeOption(3, facts.endNs), ...counts]));
}

const linkTypeEthernet = 1;
const packetHeadBytes = 28;

/**
 * epb_flags (2): unicast, and the direction in the lowest two
 * bits. Encoded once: nearly every packet has only this option.
 */
const outboundFlags: PcapngOption = { code: 2, value: Uint8Array.of(0x6, 0, 0, 0) };
const inboundFlags: PcapngOption = { code: 2, value: Uint8Array.of(0x5, 0, 0, 0) };
const outboundOptions = encodeOptions([outboundFlags]);
const inboundOptions = encodeOptions([inboundFlags]);

function isLoopback(ip: Uint8Array): boolean {
  return ip.length === 4 ? ip[0] === 127 : ip.every((byte, index) => byte === (index === 15 ? 1 : 0));
}

/** A host name, or the path of a unix socket that an invented address stands for. */
function isName(text: string): boolean {
  return text !== "" && text.length <= 255 && !/\s/.test(text) && visible(text) === text;
}

function packetOptions(facts: PacketFacts): Uint8Array {
  const { outbound, comment } = facts;
  if (comment === undefined && outbound !== undefined) return outbound ? outboundOptions : inboundOptions;
  const flags = outbound === undefined ? undefined : outbound ? outboundFlags : inboundFlags;
  return encodeOptions([textOption(1, comment), flags]);
}

/**
 * Any block except a packet. The block is small, so its parts are copied together. The caller has padded both parts.
 */
function block(type: number, fixed: Uint8Array, options: Uint8Array): Uint8Array {
  const totalBytes = 12 + fixed.length + options.length;
  const bytes = new Uint8Array(totalBytes);
  putU32(bytes, 0, type);
  putU32(bytes, 4, totalBytes);
  bytes.set(fixed, 8);
  bytes.set(options, 8 + fixed.length);
  putU32(bytes, totalBytes - 4, totalBytes);
  return bytes;
}
