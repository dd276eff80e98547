import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type CaptureFormat, isCapture, pcapFormat, pcapngFormat } from "../../../../src/codec/capture/capture-file.ts";
import { packetOf, written } from "../../../kit/block-paper.ts";
import { readBlocks, readOptions } from "../../../kit/wire-reader.ts";

const legs = ["leg1-app-listener", "leg2-ssh", "leg3-sshd-target"].map((name) => ({
  name,
  description: "synthesised",
}));
const names = [{ address: "198.18.0.1", name: "db.internal" }];
const facts = { application: "porthop 0.1.0" };
const time = 1_700_000_000_000_000_000n;

function packet(format: CaptureFormat, bytes: Uint8Array): Buffer {
  return written((space) => format.packet(space, 0, time, packetOf(bytes), { direction: "up" }));
}

test("A pcapng file begins with its section, all interfaces and then the names, for Wireshark 4.0 wants it so", () => {
  const blocks = readBlocks(pcapngFormat(facts).header(legs, names));
  assert.deepEqual(
    blocks.map(({ type }) => type),
    [0x0a0d0d0a, 1, 1, 1, 4],
  );
});

test("Without names there is no block of names", () => {
  const format = pcapngFormat(facts);
  assert.equal(readBlocks(format.header(legs, [])).length, 4);
  assert.equal(format.names([]).length, 0);
});

test("Names learnt late are a block of their own in pcapng, and nothing in pcap", () => {
  assert.deepEqual(
    readBlocks(pcapngFormat(facts).names(names)).map(({ type }) => type),
    [4],
  );
  assert.equal(pcapFormat({}).names(names).length, 0);
});

test("The end of a pcapng file has statistics for each interface, in their order", () => {
  const one = { startNs: time, endNs: time + 5n, received: 3, dropped: 0 };
  const blocks = readBlocks(pcapngFormat(facts).trailer([one, one, one]));
  assert.deepEqual(
    blocks.map(({ type, body }) => [type, body.readUInt32LE(0)]),
    [
      [5, 0],
      [5, 1],
      [5, 2],
    ],
  );
  assert.equal(pcapFormat({}).trailer([one]).length, 0);
});

test("Up is outbound and down is inbound", () => {
  const flags = (direction: "up" | "down") => {
    const four = packetOf(new Uint8Array(4));
    const block = written((space) => pcapngFormat(facts).packet(space, 1, time, four, { direction }));
    return readOptions(readBlocks(block)[0]?.body.subarray(24) ?? assert.fail());
  };
  assert.deepEqual(flags("up"), [[2, Buffer.of(6, 0, 0, 0)]]);
  assert.deepEqual(flags("down"), [[2, Buffer.of(5, 0, 0, 0)]]);
});

test("All of a packet is kept when no snapshot length is given, and 262144 is written", () => {
  const [, idb] = readBlocks(pcapngFormat(facts).header(legs, []));
  assert.equal(idb?.body.readUInt32LE(4), 262_144);
  assert.equal(Buffer.from(pcapFormat({}).header([], [])).readUInt32LE(16), 262_144);
  assert.equal(packet(pcapFormat({}), new Uint8Array(70_000)).length, 70_016);
});

test("With a snapshot length no packet is longer, its true length stays, and all interfaces say the same", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(400), (snapLength, length) => {
      const kept = Math.min(snapLength, length);
      const pcapng = pcapngFormat({ ...facts, snapLength });
      const [, ...idbs] = readBlocks(pcapng.header(legs, []));
      assert.deepEqual(
        idbs.map(({ body }) => body.readUInt32LE(4)),
        [snapLength, snapLength, snapLength],
      );
      const block = readBlocks(packet(pcapng, new Uint8Array(length)))[0]?.body ?? assert.fail();
      assert.deepEqual([block.readUInt32LE(12), block.readUInt32LE(16)], [kept, length]);
      const record = packet(pcapFormat({ snapLength }), new Uint8Array(length));
      assert.deepEqual([record.readUInt32LE(8), record.readUInt32LE(12), record.length], [kept, length, 16 + kept]);
    }),
  );
});

test("Captures of every kind and byte order are known by their first bytes", () => {
  const pcap = ["a1b2c3d4", "d4c3b2a1", "a1b23c4d", "4d3cb2a1"];
  const pcapng = ["0a0d0d0a1c0000004d3c2b1a", "0a0d0d0a0000001c1a2b3c4d"];
  for (const bytes of [...pcap, ...pcapng]) assert.equal(isCapture(Buffer.from(bytes, "hex")), true, bytes);
  assert.equal(isCapture(pcapngFormat(facts).header(legs, names)), true);
  assert.equal(isCapture(pcapFormat({}).header(legs, names)), true);
});

test("What may be somebody's text is no capture, and neither is nothing", () => {
  const texts = ["", "a1b2c3d4", "\n\r\r\n", "\n\r\r\nfour blank lines", "#!/bin/sh\n", "PK\x03\x04"];
  for (const text of texts) assert.equal(isCapture(Buffer.from(text, "latin1")), false, JSON.stringify(text));
  assert.equal(isCapture(Buffer.from("d4c3b2", "hex")), false);
});
