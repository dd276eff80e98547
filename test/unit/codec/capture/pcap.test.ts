import assert from "node:assert/strict";
import { test } from "node:test";
import { pcapHeader, pcapRecord } from "../../../../src/codec/capture/pcap.ts";

test("The header says nanoseconds, version 2.4, the snapshot length and Ethernet", () => {
  const expected = "4d3cb2a1" + "02000400" + "00000000" + "00000000" + "00000400" + "01000000";
  assert.equal(Buffer.from(pcapHeader(262_144)).toString("hex"), expected);
});

test("A record has seconds, nanoseconds, both lengths and then the packet", () => {
  const payload = [new Uint8Array(10).fill(1), new Uint8Array(5000).fill(2)];
  const pieces = pcapRecord(payload, 4_102_444_800_999_999_999n, 6000);
  const bytes = Buffer.concat(pieces);
  const words = [0, 4, 8, 12].map((at) => bytes.readUInt32LE(at));
  assert.deepEqual(words, [4_102_444_800, 999_999_999, 5010, 6000]);
  assert.deepEqual(bytes.subarray(16), Buffer.concat(payload));
  assert.ok(pieces.at(-1) === payload[1], "large payload is not copied");
});
