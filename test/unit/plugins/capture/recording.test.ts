import assert from "node:assert/strict";
import { openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { BlockWriter } from "../../../../plugins/capture/block-writer.ts";
import { Recording } from "../../../../plugins/capture/recording.ts";
import { pcapFormat, type pcapngFormat } from "../../../../src/codec/capture/capture-file.ts";
import { readCapture } from "../../../kit/packet-reader.ts";
import { folder, legs, recordingOn, startNs, talk } from "../../../kit/recording-scene.ts";

let files = 0;

function recordingTo(format?: ReturnType<typeof pcapngFormat>) {
  const path = join(folder, `${++files}.pcapng`);
  return { path, ...recordingOn(openSync(path, "w"), format) };
}

test("The file has its header, its packets in order, and the statistics of each interface.", async () => {
  const { path, recording } = recordingTo();
  const first = talk(recording, 0, () => startNs + 10n);
  const second = talk(recording, 1, () => startNs + 1000n);
  first.open("porthop flow=L1#1");
  second.open();
  second.data("up", [Buffer.from("hello")]);
  first.abort("down", "lost");
  assert.deepEqual([recording.packets, recording.lost], [9, 0]);
  await recording.finish(startNs + 2000n);
  const capture = readCapture(path);
  assert.deepEqual(capture.types, [0x0a0d0d0a, 1, 1, ...Array.from({ length: 9 }, () => 6), 5, 5]);
  assert.deepEqual(capture.interfaceNames, ["leg1-app-listener", "leg3-sshd-target"]);
  assert.deepEqual(
    capture.packets.map(({ interfaceIndex, flags, outbound }) => [interfaceIndex, flags, outbound]),
    [
      [0, "S", true],
      [0, "SA", false],
      [0, "A", true],
      [1, "S", true],
      [1, "SA", false],
      [1, "A", true],
      [1, "PA", true],
      [1, "A", false],
      [0, "RA", false],
    ],
  );
  assert.deepEqual(
    [capture.packets[0]?.comment, capture.packets[8]?.comment, capture.packets[1]?.comment],
    ["porthop flow=L1#1", "lost", undefined],
  );
  assert.deepEqual(capture.statistics, [
    { received: 4, dropped: 0, startNs, endNs: startNs + 2000n },
    { received: 5, dropped: 0, startNs, endNs: startNs + 2000n },
  ]);
});

test("Frames of one event get a nanosecond each, and time never goes back.", async () => {
  const { path, recording } = recordingTo();
  let now = startNs + 100n;
  const conversation = talk(recording, 0, () => now);
  conversation.open();
  conversation.data("up", [new Uint8Array(1)]);
  now = startNs + 50n;
  conversation.data("down", [new Uint8Array(1)]);
  now = startNs + 500n;
  conversation.end("up");
  await recording.finish(startNs + 1000n);
  const offsets = readCapture(path).packets.map(({ timestampNs }) => Number(timestampNs - startNs));
  assert.deepEqual(offsets, [100, 101, 102, 103, 104, 105, 106, 500, 501]);
});

test("Names learnt on the way stand between two packets; those that cannot be told leave no block.", async () => {
  const { path, recording } = recordingTo();
  const conversation = talk(recording, 0, () => startNs + 1n);
  conversation.open();
  recording.name({ address: "198.18.1.1", name: "db.internal" });
  recording.name({ address: "198.18.1.2", name: "not a name\n" });
  conversation.end("up");
  await recording.finish(startNs + 2n);
  const { types, names } = readCapture(path);
  assert.deepEqual(types, [0x0a0d0d0a, 1, 1, 6, 6, 6, 4, 6, 6, 5, 5]);
  assert.deepEqual(names, ["198.18.1.1 db.internal"]);
});

test("A classic pcap has neither names nor statistics, and no empty block in their place.", async () => {
  const { path, recording } = recordingTo(pcapFormat({}));
  recording.name({ address: "198.18.1.1", name: "db.internal" });
  talk(recording, 0, () => startNs + 1n).open();
  await recording.finish(startNs + 2n);
  // A header of 24 bytes; records of 16 with Ethernet, IPv4 and TCP, two of them with 8 bytes of options.
  assert.equal(readFileSync(path).length, 24 + 3 * (16 + 14 + 20 + 20) + 2 * 8);
});

test("What was dropped is counted in the statistics and told once.", async () => {
  const { path, recording, told } = recordingTo();
  const conversation = talk(recording, 1, () => startNs + 1n);
  conversation.open();
  recording.countDropped(1, 3);
  recording.countDropped(1, 4);
  recording.countDropped(0, 1);
  assert.deepEqual([recording.packets, recording.lost, told()], [3, 8, 1]);
  await recording.finish(startNs + 2n);
  const counts = readCapture(path).statistics.map(({ received, dropped }) => [received, dropped]);
  assert.deepEqual(counts, [
    [1, 1],
    [10, 7],
  ]);
});

test("Whether the file could be written to its end is told.", async () => {
  const whole = recordingTo().recording;
  await whole.finish(startNs);
  assert.equal(whole.failed, false);
  const path = join(folder, "not-for-writing");
  writeFileSync(path, "");
  const writer = new BlockWriter(openSync(path, "r"), { failed: () => {} });
  const broken = new Recording(writer, pcapFormat({}), legs, startNs, () => {});
  await broken.finish(startNs);
  assert.equal(broken.failed, true);
});

test("An interface that the file does not have is a defect of the caller.", async () => {
  const { recording } = recordingTo();
  assert.throws(() => talk(recording, 2, () => startNs).open(), /no interface 2/);
  await recording.finish(startNs);
});
