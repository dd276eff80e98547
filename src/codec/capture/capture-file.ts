/**
 * The contents of a capture file in two formats: pcapng, and classic pcap, which has no interfaces, names and comments.
 * Packets, which are many, go straight into the memory that is written to the file. Write each block or record with one
 * write: a file that is cut off then stays readable up to the cut.
 */
import type { BlockSpace, WritablePacket } from "./block-space.ts";
import { lengthOf } from "./frame.ts";
import { pcapHeader, putRecord } from "./pcap.ts";
import {
  type CaptureInterface,
  type CaptureName,
  type InterfaceStatistics,
  interfaceDescription,
  interfaceStatistics,
  nameResolution,
  putPacket,
  type SectionFacts,
  sectionHeader,
} from "./pcapng.ts";
import type { TcpDirection } from "./tcp-conversation.ts";

export type { CaptureInterface, CaptureName, InterfaceStatistics } from "./pcapng.ts";

export interface CaptureFacts extends SectionFacts {
  /** How many bytes of each packet are kept. The default, 262144, is more than any packet has. */
  readonly snapLength?: number | undefined;
}

export interface PacketRemarks {
  /** `up` is written as outbound, because the capture looks at each leg from the end that dialed. */
  readonly direction?: TcpDirection | undefined;
  readonly comment?: string | undefined;
}

export interface CaptureFormat {
  /**
   * The beginning of the file, with all interfaces that the file
   * will ever have. After a rotation the next file gets one too.
   */
  header(interfaces: readonly CaptureInterface[], names: readonly CaptureName[]): Uint8Array;
  packet(
    space: BlockSpace,
    interfaceIndex: number,
    timestampNs: bigint,
    packet: WritablePacket,
    remarks: PacketRemarks,
  ): void;
  /** Names that were learnt on the way, to be written between two packets. May be empty. */
  names(names: readonly CaptureName[]): Uint8Array;
  /** The end of the file: statistics in the order of the interfaces. May be empty. */
  trailer(statistics: readonly InterfaceStatistics[]): Uint8Array;
}

export function pcapngFormat(facts: CaptureFacts): CaptureFormat {
  const snapLength = facts.snapLength ?? wholePackets;
  return {
    header(interfaces, names) {
      const described = interfaces.map((one) => interfaceDescription(one, snapLength));
      return joined([sectionHeader(facts), ...described, nameResolution(names)]);
    },
    packet(space, interfaceIndex, timestampNs, packet, { direction, comment }) {
      const outbound = direction === undefined ? undefined : direction === "up";
      putPacket(space, packet, { interfaceIndex, timestampNs, snapLength, outbound, comment });
    },
    names: nameResolution,
    trailer: (statistics) => joined(statistics.map((one, index) => interfaceStatistics(index, one))),
  };
}

/** Classic pcap has room for only one of the facts: the snapshot length. */
export function pcapFormat(facts: Partial<CaptureFacts>): CaptureFormat {
  const snapLength = facts.snapLength ?? wholePackets;
  return {
    header: () => pcapHeader(snapLength),
    packet: (space, _interfaceIndex, timestampNs, packet) => putRecord(space, packet, timestampNs, snapLength),
    names: () => new Uint8Array(0),
    trailer: () => new Uint8Array(0),
  };
}

/**
 * Whether a file with these first bytes (12 or more) is a capture, so that a new capture may replace the file.
 * pcapng's block type alone is no proof, because it is also the text "\n\r\r\n": the byte-order magic must follow.
 */
export function isCapture(firstBytes: Uint8Array): boolean {
  const magic = hex(firstBytes.subarray(0, 4));
  if (magic === "0a0d0d0a") return ["1a2b3c4d", "4d3c2b1a"].includes(hex(firstBytes.subarray(8, 12)));
  return ["a1b2c3d4", "d4c3b2a1", "a1b23c4d", "4d3cb2a1"].includes(magic);
}

/** What tcpdump and Wireshark take as the largest packet. */
const wholePackets = 262_144;

function joined(blocks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(lengthOf(blocks));
  let at = 0;
  for (const block of blocks) {
    bytes.set(block, at);
    at += block.length;
  }
  return bytes;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
