/**
 * Classic pcap with nanoseconds, Ethernet, little endian. The format has no interfaces, names or comments: a reader
 * tells the legs apart by the marked MAC addresses of the frames (frame.ts).
 */
import type { BlockSpace, WritablePacket } from "./block-space.ts";
import { putU16, putU32 } from "./little-endian.ts";

export function pcapHeader(snapLength: number): Uint8Array {
  const bytes = new Uint8Array(24);
  putU32(bytes, 0, 0xa1b23c4d);
  putU16(bytes, 4, 2);
  putU16(bytes, 6, 4);
  putU32(bytes, 16, snapLength);
  putU32(bytes, 20, linkTypeEthernet);
  return bytes;
}

/**
 * One packet: a record header, then the packet itself, cut to `snapLength`. The seconds are an unsigned number, which
 * lasts until 2106.
 */
export function putRecord(space: BlockSpace, packet: WritablePacket, timestampNs: bigint, snapLength: number): void {
  const captured = Math.min(packet.bytes, snapLength);
  const at = space.reserve(recordHeadBytes + captured);
  const { bytes } = space;
  putU32(bytes, at, Number(timestampNs / nsPerSecond));
  putU32(bytes, at + 4, Number(timestampNs % nsPerSecond));
  putU32(bytes, at + 8, captured);
  putU32(bytes, at + 12, packet.bytes);
  packet.put(bytes, at + recordHeadBytes, captured);
}

const linkTypeEthernet = 1;
const recordHeadBytes = 16;
const nsPerSecond = 1_000_000_000n;
