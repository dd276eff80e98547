/**
 * Reads what the capture codecs write: frames, whose checksums are proven by the plainest algorithm, and pcapng blocks.
 * It is written separately from the codecs, byte by byte, so the two agree only when both follow the standards.
 */
import assert from "node:assert/strict";

export interface ReadFrame {
  readonly family: 4 | 6;
  readonly sourceMac: string;
  readonly targetMac: string;
  readonly source: string;
  readonly target: string;
  readonly sourcePort: number;
  readonly targetPort: number;
  readonly sequence: number;
  readonly acknowledgement: number;
  /** Letters in the order FSRPA: "SA", "PA". */
  readonly flags: string;
  readonly window: number;
  readonly options: string;
  readonly headerBytes: number;
  readonly payload: Buffer;
}

/** Also asserts all lengths and checksums. */
export function readFrame(pieces: readonly Uint8Array[]): ReadFrame {
  const frame = Buffer.concat(pieces);
  const etherType = frame.readUInt16BE(12);
  const isV4 = etherType === 0x0800;
  assert.ok(isV4 || etherType === 0x86dd, "the frame is IPv4 or IPv6");
  const addresses = isV4 ? frame.subarray(26, 34) : frame.subarray(22, 54);
  const tcp = isV4 ? readIpv4(frame) : readIpv6(frame);
  const pseudo = Buffer.alloc(8);
  pseudo.writeUInt32BE(tcp.length, 0);
  pseudo.writeUInt32BE(6, 4);
  assert.equal(naiveSum(Buffer.concat([addresses, pseudo, tcp])), 0xffff, "the TCP checksum is valid");
  const headerBytes = (tcp.readUInt8(12) >>> 4) * 4;
  const bits = tcp.readUInt8(13);
  return {
    family: isV4 ? 4 : 6,
    sourceMac: frame.subarray(6, 12).toString("hex"),
    targetMac: frame.subarray(0, 6).toString("hex"),
    source: addresses.subarray(0, addresses.length / 2).toString("hex"),
    target: addresses.subarray(addresses.length / 2).toString("hex"),
    sourcePort: tcp.readUInt16BE(0),
    targetPort: tcp.readUInt16BE(2),
    sequence: tcp.readUInt32BE(4),
    acknowledgement: tcp.readUInt32BE(8),
    flags: [..."FSRPA"].filter((_, bit) => (bits & (1 << bit)) !== 0).join(""),
    window: tcp.readUInt16BE(14),
    options: tcp.subarray(20, headerBytes).toString("hex"),
    headerBytes: frame.length - tcp.length + headerBytes,
    payload: tcp.subarray(headerBytes),
  };
}

/**
 * The definition of RFC 1071: 16-bit words in network order, an odd last byte padded with zero, and carries added back
 * in.
 */
export function naiveSum(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) {
    sum += (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}

export interface ReadBlock {
  readonly type: number;
  readonly body: Buffer;
}

/** The blocks of a little-endian pcapng file. Asserts that the two lengths of each block agree. */
export function readBlocks(file: Uint8Array): ReadBlock[] {
  const bytes = Buffer.from(file);
  const blocks: ReadBlock[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at + 4);
    assert.equal(length % 4, 0, "a block is padded to four bytes");
    assert.equal(bytes.readUInt32LE(at + length - 4), length, "a block ends with its length");
    blocks.push({ type: bytes.readUInt32LE(at), body: bytes.subarray(at + 8, at + length - 4) });
    at += length;
  }
  return blocks;
}

/**
 * Codes and values of the options, in order. Asserts that padding is zero, that a list ends with 0/0, and that nothing
 * follows.
 */
export function readOptions(list: Buffer): [number, Buffer][] {
  const options: [number, Buffer][] = [];
  for (let at = 0; at < list.length; ) {
    const code = list.readUInt16LE(at);
    const length = list.readUInt16LE(at + 2);
    const padded = at + 4 + Math.ceil(length / 4) * 4;
    if (code === 0) {
      assert.deepEqual([length, at + 4], [0, list.length], "the end of the list is its end");
      return options;
    }
    assert.ok(
      list.subarray(at + 4 + length, padded).every((byte) => byte === 0),
      "padding is zero",
    );
    options.push([code, list.subarray(at + 4, at + 4 + length)]);
    at = padded;
  }
  assert.equal(options.length, 0, "a list that has an option is ended by 0/0");
  return options;
}

function readIpv4(frame: Buffer): Buffer {
  const ip = frame.subarray(14, 34);
  assert.equal(ip.readUInt8(0), 0x45);
  assert.equal(ip.readUInt16BE(2), frame.length - 14, "the IPv4 total length is right");
  assert.deepEqual([ip.readUInt8(8), ip.readUInt8(9)], [64, 6], "TTL 64, TCP");
  assert.equal(naiveSum(ip), 0xffff, "the IPv4 header checksum is valid");
  return frame.subarray(34);
}

function readIpv6(frame: Buffer): Buffer {
  assert.equal(frame.readUInt32BE(14), 0x60000000);
  assert.equal(frame.readUInt16BE(18), frame.length - 54, "the IPv6 payload length is right");
  assert.deepEqual([frame.readUInt8(20), frame.readUInt8(21)], [6, 64], "TCP, hop limit 64");
  return frame.subarray(54);
}
