import assert from "node:assert/strict";
import { test } from "node:test";
import { pcapHeader, putRecord } from "../../../../src/codec/capture/pcap.ts";
import { packetOf, written } from "../../../kit/block-paper.ts";

test("The header says nanoseconds, version 2.4, the snapshot length and Ethernet", () => {
  const expected = "4d3cb2a1" + "02000400" + "00000000" + "00000000" + "00000400" + "01000000";
  assert.equal(Buffer.from(pcapHeader(262_144)).toString("hex"), expected);
});

test("A record has seconds, nanoseconds, both lengths and then the packet, cut to the snapshot length", () => {
  const packet = Buffer.concat([Buffer.alloc(10, 1), Buffer.alloc(5000, 2)]);
  for (const kept of [5010, 4000, 5]) {
    const bytes = written((space) => putRecord(space, packetOf(packet), 4_102_444_800_999_999_999n, kept));
    const words = [0, 4, 8, 12].map((at) => bytes.readUInt32LE(at));
    assert.deepEqual(words, [4_102_444_800, 999_999_999, kept, 5010]);
    assert.deepEqual(bytes.subarray(16), packet.subarray(0, kept));
  }
});
