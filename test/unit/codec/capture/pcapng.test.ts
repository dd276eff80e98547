import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  interfaceDescription,
  interfaceStatistics,
  nameResolution,
  type PacketFacts,
  putPacket,
  sectionHeader,
} from "../../../../src/codec/capture/pcapng.ts";
import { packetOf, written } from "../../../kit/block-paper.ts";
import { type ReadBlock, readBlocks, readOptions } from "../../../kit/wire-reader.ts";

function onlyBlock(bytes: Uint8Array): ReadBlock {
  const [block, ...others] = readBlocks(bytes);
  assert.equal(others.length, 0);
  return block ?? assert.fail("there is no block");
}

function packetBlock(packet: Uint8Array, facts: PacketFacts): ReadBlock {
  return onlyBlock(written((space) => putPacket(space, packetOf(packet), facts)));
}

/** Options as `code: text`. */
function texts(list: Buffer): string[] {
  return readOptions(list).map(([code, value]) => `${code}: ${value.toString()}`);
}

test("A section header is version 1.0 of unknown length and says who wrote it and where", () => {
  const facts = { application: "porthop 0.1.0", hardware: "x64", os: "Linux", comment: "synthesised" };
  const { type, body } = onlyBlock(sectionHeader(facts));
  assert.equal(type, 0x0a0d0d0a);
  assert.equal(body.subarray(0, 16).toString("hex"), "4d3c2b1a01000000ffffffffffffffff");
  assert.deepEqual(texts(body.subarray(16)), ["1: synthesised", "2: x64", "3: Linux", "4: porthop 0.1.0"]);
});

test("What a section header is not told, it leaves out", () => {
  const { body } = onlyBlock(sectionHeader({ application: "porthop 0.1.0" }));
  assert.deepEqual(texts(body.subarray(16)), ["4: porthop 0.1.0"]);
});

test("An interface is Ethernet with nanoseconds, its names, and its filter as text", () => {
  const facts = { name: "leg2-ssh", description: "synthesised", filter: "tcp", os: "Linux" };
  const { type, body } = onlyBlock(interfaceDescription(facts, 262_144));
  assert.deepEqual([type, body.readUInt16LE(0), body.readUInt16LE(2), body.readUInt32LE(4)], [1, 1, 0, 262_144]);
  assert.deepEqual(texts(body.subarray(8)), ["2: leg2-ssh", "3: synthesised", "9: \t", "11: \0tcp", "12: Linux"]);
});

test("Names are records of an address and a terminated name, ended even without options", () => {
  const names = [
    { address: "198.18.0.1", name: "db.internal" },
    { address: "fd00::1", name: "cache" },
  ];
  const { type, body } = onlyBlock(nameResolution(names));
  assert.equal(type, 4);
  assert.deepEqual(readOptions(body), [
    [1, Buffer.from("\xc6\x12\0\x01db.internal\0", "latin1")],
    [2, Buffer.from("\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01cache\0", "latin1")],
  ]);
});

test("Loopback never gets a name, however it is written, and neither does what is no address or no name", () => {
  const loopback = ["127.0.0.1", "127.8.8.8", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "::ffff:7f00:1"];
  assert.equal(nameResolution(loopback.map((address) => ({ address, name: "here" }))).length, 0);
  assert.equal(nameResolution([{ address: "db.internal", name: "db.internal" }]).length, 0);
  for (const name of ["", "a b", "a\0b", "a\u001b[2J", "a\n", "a\u202eb", "x".repeat(256)]) {
    assert.equal(nameResolution([{ address: "10.0.0.1", name }]).length, 0, JSON.stringify(name));
  }
});

test("A packet's block holds time, lengths, payload, flags and comment", () => {
  const facts = {
    interfaceIndex: 2,
    timestampNs: 1_700_000_000_123_456_789n,
    snapLength: 5,
    outbound: true,
    comment: "porthop flow=L1#17",
  };
  const { type, body } = packetBlock(Buffer.concat([Buffer.from("abcde"), Buffer.alloc(1495)]), facts);
  assert.deepEqual([type, body.readUInt32LE(0)], [6, 2]);
  const time = (BigInt(body.readUInt32LE(4)) << 32n) | BigInt(body.readUInt32LE(8));
  assert.equal(time, 1_700_000_000_123_456_789n);
  assert.deepEqual([body.readUInt32LE(12), body.readUInt32LE(16)], [5, 1500]);
  assert.equal(body.subarray(20, 28).toString("latin1"), "abcde\0\0\0");
  assert.deepEqual(readOptions(body.subarray(28)), [
    [1, Buffer.from("porthop flow=L1#17")],
    [2, Buffer.of(6, 0, 0, 0)],
  ]);
});

test("The flags say outbound, inbound or nothing", () => {
  const options = (outbound: boolean | undefined) => {
    const facts = { interfaceIndex: 0, timestampNs: 0n, snapLength: 4, outbound };
    return readOptions(packetBlock(new Uint8Array(4), facts).body.subarray(24));
  };
  assert.deepEqual(options(true), [[2, Buffer.of(6, 0, 0, 0)]]);
  assert.deepEqual(options(false), [[2, Buffer.of(5, 0, 0, 0)]]);
  assert.deepEqual(options(undefined), []);
});

test("Any packet with any comment makes one well-formed block that holds it, padded with zeros", () => {
  const packet = fc.uint8Array({ maxLength: 900, size: "max" });
  const comment = fc.option(fc.string({ unit: "binary" }), { nil: undefined });
  fc.assert(
    fc.property(packet, comment, fc.boolean(), (whole, text, outbound) => {
      const facts = { interfaceIndex: 0, timestampNs: 1n, snapLength: 900, outbound, comment: text };
      const { body } = packetBlock(whole, facts);
      const paddedBytes = Math.ceil(whole.length / 4) * 4;
      const padded = Buffer.concat([whole, Buffer.alloc(paddedBytes - whole.length)]);
      assert.deepEqual(body.subarray(20, 20 + paddedBytes), padded);
      assert.equal(readOptions(body.subarray(20 + paddedBytes)).length, text === undefined ? 1 : 2);
    }),
  );
});

test("Statistics tell when, how many, and how many were lost on which way", () => {
  const facts = { startNs: 1n << 33n, endNs: (3n << 32n) | 4n, received: 145, dropped: 6, droppedByOs: 7 };
  const { type, body } = onlyBlock(interfaceStatistics(1, facts));
  assert.deepEqual([type, body.readUInt32LE(0), body.readUInt32LE(4), body.readUInt32LE(8)], [5, 1, 3, 4]);
  const options = new Map(readOptions(body.subarray(12)));
  assert.deepEqual(options.get(2), Buffer.of(2, 0, 0, 0, 0, 0, 0, 0));
  assert.deepEqual(options.get(3), Buffer.of(3, 0, 0, 0, 4, 0, 0, 0));
  assert.deepEqual(
    [4, 5, 7].map((code) => options.get(code)?.readBigUInt64LE()),
    [145n, 6n, 7n],
  );
});
