/**
 * Memory for the blocks of a capture. Every byte of it is dirty beforehand, as in memory that is used again, and bytes
 * around a block are watched: a block that leaves a byte unwritten, or writes beyond its end, does not go unseen.
 */
import assert from "node:assert/strict";
import type { BlockSpace, WritablePacket } from "../../src/codec/capture/block-space.ts";

const dirt = 0xa5;
const marginBytes = 64;

export class BlockPaper implements BlockSpace {
  bytes = new Uint8Array(0);
  readonly #blocks: Uint8Array[] = [];

  reserve(blockBytes: number): number {
    this.bytes = new Uint8Array(blockBytes + 2 * marginBytes).fill(dirt);
    this.#blocks.push(this.bytes);
    return marginBytes;
  }

  /** All blocks, one after the other. */
  text(): Buffer {
    for (const bytes of this.#blocks) {
      for (const margin of [bytes.subarray(0, marginBytes), bytes.subarray(-marginBytes)]) {
        assert.ok(
          margin.every((byte) => byte === dirt),
          "nothing is written around a block",
        );
      }
    }
    return Buffer.concat(this.#blocks.map((bytes) => bytes.subarray(marginBytes, -marginBytes)));
  }
}

/** What is written into a space. */
export function written(write: (space: BlockSpace) => void): Buffer {
  const paper = new BlockPaper();
  write(paper);
  return paper.text();
}

/** A packet with these bytes. */
export function packetOf(bytes: Uint8Array): WritablePacket {
  return { bytes: bytes.length, put: (into, at, kept) => into.set(bytes.subarray(0, kept), at) };
}

/** All bytes of a packet, or the first `kept` of them. */
export function bytesOf(packet: WritablePacket, kept = packet.bytes): Buffer {
  return written((space) => {
    const at = space.reserve(kept);
    packet.put(space.bytes, at, kept);
  });
}
