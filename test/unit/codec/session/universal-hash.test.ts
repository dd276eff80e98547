import assert from "node:assert/strict";
import { randomBytes, randomInt } from "node:crypto";
import { test } from "node:test";
import { type LayerKeys, layerBytes, UniversalHash } from "../../../../src/codec/session/universal-hash.ts";
import { rounds } from "../../../kit/effort.ts";

function keys(count: number): LayerKeys {
  const { first, second, third, mask } = layerBytes(count);
  return {
    ...{ first: randomBytes(first), second: randomBytes(second) },
    ...{ third: randomBytes(third), mask: randomBytes(mask) },
  };
}

function hashed(key: LayerKeys, message: Buffer): readonly number[] {
  const padded = new Uint8Array(message.length + 32);
  padded.set(message);
  const words = new Uint32Array(padded.buffer.slice(0, padded.length - (padded.length % 4)));
  return new UniversalHash(key).hash(words, message.length);
}

const number = (bytes: Uint8Array) => bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
const word = (bytes: Uint8Array, at: number) => number(bytes.subarray(at, at + 4));

/** RFC 4418, section 5, as it is written there. */
function byTheBook(key: LayerKeys, index: number, message: Buffer): number {
  const first = key.first.subarray(16 * index, 16 * index + 1024);
  const sums: bigint[] = [];
  for (let at = 0; at === 0 || at < message.length; at += 1024) {
    const block = message.subarray(at, at + 1024);
    const padded = Buffer.alloc(Math.max(32, Math.ceil(block.length / 32) * 32));
    block.copy(padded);
    let sum = BigInt(block.length * 8);
    for (let i = 0; i < padded.length; i += 32) {
      for (let j = i; j < i + 16; j += 4) {
        const one = BigInt(padded.readUInt32LE(j)) + word(first, j);
        const other = BigInt(padded.readUInt32LE(j + 16)) + word(first, j + 16);
        sum += BigInt.asUintN(32, one) * BigInt.asUintN(32, other);
      }
    }
    sums.push(BigInt.asUintN(64, sum));
  }
  let [value = 0n] = sums;
  if (message.length > 1024) {
    const prime = 2n ** 64n - 59n;
    const factor = number(key.second.subarray(24 * index, 24 * index + 8)) & 0x01ffffff01ffffffn;
    value = 1n;
    for (const sum of sums) {
      const isHigh = sum >= 2n ** 64n - 2n ** 32n;
      if (isHigh) value = (factor * value + prime - 1n) % prime;
      value = (factor * value + sum - (isHigh ? 59n : 0n)) % prime;
    }
  }
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64BE(value, 8);
  let last = 0n;
  for (let i = 0; i < 8; i++) {
    const at = 64 * index + 8 * i;
    last += BigInt(bytes.readUInt16BE(2 * i)) * (number(key.third.subarray(at, at + 8)) % (2n ** 36n - 5n));
  }
  return Number(BigInt.asUintN(32, last % (2n ** 36n - 5n)) ^ word(key.mask, 4 * index));
}

function assertByTheBook(key: LayerKeys, message: Buffer): void {
  const count = key.mask.length / 4;
  const expected = Array.from({ length: count }, (_, index) => byTheBook(key, index, message));
  assert.deepEqual(hashed(key, message), expected, `${message.length} bytes`);
}

test("Messages of all lengths about the ends of blocks are hashed as the RFC writes it.", () => {
  for (const length of [0, 1, 31, 32, 33, 64, 1023, 1024, 1025, 1056, 2047, 2048, 2049, 35_000]) {
    assertByTheBook(keys(2), randomBytes(length));
    assertByTheBook(keys(4), Buffer.alloc(length, 255));
  }
});

test("Random messages under random keys are hashed as the RFC writes it.", () => {
  for (let round = 0; round < rounds(500, 50); round++) assertByTheBook(keys(2), randomBytes(randomInt(6000)));
});

test("Keys and messages of ones alone overflow nothing.", () => {
  const ones = Object.entries(layerBytes(4)).map(([layer, bytes]) => [layer, Buffer.alloc(bytes, 255)] as const);
  const key = Object.fromEntries(ones) as unknown as LayerKeys;
  for (const byte of [0, 1, 127, 128, 255]) assertByTheBook(key, Buffer.alloc(5000, byte));
});

test("A block whose sum is at the prime or over it is hashed as the RFC writes it.", () => {
  const block = Buffer.alloc(1024);
  // 2^64 - 2^33 + 1, and 2^32 - 1; the length of the block comes to them.
  for (const [index, value] of [
    [0, 0xffff_ffff],
    [4, 0xffff_ffff],
    [1, 0xffff_ffff],
    [5, 1],
  ] as const) {
    block.writeUInt32LE(value, 4 * index);
  }
  const key = { ...keys(1), first: Buffer.alloc(1024) };
  assertByTheBook(key, Buffer.concat([block, block, Buffer.from("end")]));
  assertByTheBook({ ...key, second: Buffer.alloc(24) }, Buffer.concat([block, block]));
});
