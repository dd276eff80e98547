/**
 * The packets of a pcapng file with all that a capture says about each, on top of wire-reader, for tests that ask what
 * a file contains. Other tests ask Wireshark whether it reads the file in the same way.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type ReadBlock, type ReadFrame, readBlocks, readFrame, readOptions } from "./wire-reader.ts";

export interface ReadPacket extends ReadFrame {
  readonly interfaceIndex: number;
  readonly timestampNs: bigint;
  readonly comment: string | undefined;
  readonly outbound: boolean;
}

export interface ReadStatistics {
  readonly received: number;
  readonly dropped: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
}

export interface ReadCapture {
  /** The type of each block, in order. */
  readonly types: readonly number[];
  readonly interfaceNames: readonly string[];
  /** Address and name: `198.18.1.1 db.internal`. */
  readonly names: readonly string[];
  readonly packets: readonly ReadPacket[];
  /** One for each interface, from the end of the file. */
  readonly statistics: readonly ReadStatistics[];
}

/** Asserts that each packet is a whole and valid frame, and that each timestamp is later than the one before. */
export function readCapture(path: string): ReadCapture {
  const blocks = readBlocks(readFileSync(path));
  const packets = blocksOf(blocks, 6).map(readPacket);
  packets.reduce((last, { timestampNs }) => {
    assert.ok(timestampNs > last, "timestamps grow");
    return timestampNs;
  }, 0n);
  return {
    types: blocks.map(({ type }) => type),
    interfaceNames: blocksOf(blocks, 1).map((body) => String(optionsOf(body, 8).get(2))),
    names: blocksOf(blocks, 4).flatMap(readNames),
    packets,
    statistics: blocksOf(blocks, 5).map(readStatistics),
  };
}

/** Lines of direction, flags and payload bytes: `up S 0`, `down SA 0`, `up PA 5`. */
export function outline(packets: readonly ReadPacket[]): string[] {
  return packets.map(({ outbound, flags, payload }) => `${outbound ? "up" : "down"} ${flags} ${payload.length}`);
}

function blocksOf(blocks: readonly ReadBlock[], type: number): Buffer[] {
  return blocks.filter((block) => block.type === type).map(({ body }) => body);
}

function readPacket(body: Buffer): ReadPacket {
  const captured = body.readUInt32LE(12);
  const options = optionsOf(body, 20 + Math.ceil(captured / 4) * 4);
  return {
    ...readFrame([body.subarray(20, 20 + captured)]),
    interfaceIndex: body.readUInt32LE(0),
    timestampNs: timeAt(body, 4),
    comment: options.get(1)?.toString(),
    outbound: options.get(2)?.readUInt32LE(0) === 6,
  };
}

function readStatistics(body: Buffer): ReadStatistics {
  const options = optionsOf(body, 12);
  const at = (code: number) => options.get(code) ?? Buffer.alloc(8);
  return {
    received: Number(at(4).readBigUInt64LE(0)),
    dropped: Number(at(5).readBigUInt64LE(0)),
    startNs: timeAt(at(2), 0),
    endNs: timeAt(at(3), 0),
  };
}

function readNames(body: Buffer): string[] {
  return readOptions(body).map(([type, value]) => {
    const ip = value.subarray(0, type === 1 ? 4 : 16);
    const address = type === 1 ? [...ip].join(".") : ip.toString("hex");
    return `${address} ${value.subarray(ip.length, -1).toString()}`;
  });
}

function optionsOf(body: Buffer, at: number): Map<number, Buffer> {
  return new Map(readOptions(body.subarray(at)));
}

/** A time as two 32-bit words, the high word first. */
function timeAt(bytes: Buffer, at: number): bigint {
  return (BigInt(bytes.readUInt32LE(at)) << 32n) | BigInt(bytes.readUInt32LE(at + 4));
}
