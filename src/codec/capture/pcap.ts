/**
 * Classic pcap with nanoseconds, Ethernet, little endian. The format has no interfaces, names or comments: a reader
 * tells the legs apart by the marked MAC addresses of the frames (frame.ts).
 */
import { lengthOf } from "./frame.ts";
import { putU16, putU32 } from "./little-endian.ts";
import { wrapPieces } from "./packet-pieces.ts";

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
 * One packet: a record header, then the pieces unchanged. The seconds are an unsigned number, which lasts until 2106.
 */
export function pcapRecord(
  pieces: readonly Uint8Array[],
  timestampNs: bigint,
  originalLength: number,
): readonly Uint8Array[] {
  const wrapped = wrapPieces(recordHeadBytes, pieces, 0);
  const { head } = wrapped;
  putU32(head, 0, Number(timestampNs / nsPerSecond));
  putU32(head, 4, Number(timestampNs % nsPerSecond));
  putU32(head, 8, lengthOf(pieces));
  putU32(head, 12, originalLength);
  return wrapped.pieces;
}

const linkTypeEthernet = 1;
const recordHeadBytes = 16;
const nsPerSecond = 1_000_000_000n;
