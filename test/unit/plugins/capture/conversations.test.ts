import assert from "node:assert/strict";
import { openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { BlockWriter } from "../../../../plugins/capture/block-writer.ts";
import { Conversations } from "../../../../plugins/capture/conversations.ts";
import type { TrackEnds } from "../../../../plugins/capture/ends.ts";
import { Recording } from "../../../../plugins/capture/recording.ts";
import type { Track } from "../../../../plugins/capture/track.ts";
import { pcapngFormat } from "../../../../src/codec/capture/capture-file.ts";
import type { Direction } from "../../../../src/plugin.ts";
import { SlowDisk } from "../../../kit/disk.ts";
import { need } from "../../../kit/packages.ts";
import { outline, type ReadCapture, readCapture } from "../../../kit/packet-reader.ts";
import { currentRuntime } from "../../../kit/runtime.ts";
import { removeTemp, tempDirectory } from "../../../kit/temp.ts";

const folder = tempDirectory("conversations");
after(() => removeTemp(folder));
const slow = { skip: currentRuntime === "deno" ? "Deno writes synchronously" : need("mkfifo"), timeout: 60_000 };

const legs = ["leg1-app-listener", "leg3-sshd-target"].map((name) => ({ name, description: "made up by a test" }));
const ends: TrackEnds = {
  from: { host: "10.0.0.1", port: 1000 },
  to: { host: "10.0.0.2", port: 80 },
  comment: "porthop flow=L1#1",
};

const startNs = 1_700_000_000_000_000_000n;

let files = 0;

/** Conversations that a test tells what happens, a microsecond after each other; `finish` reads the file back. */
function studio(path = join(folder, `${++files}.pcapng`), fd = openSync(path, "w")) {
  const writer = new BlockWriter(fd, { failed: (error) => assert.fail(String(error)) });
  const recording = new Recording(writer, pcapngFormat({ application: "porthop" }), legs, startNs, () => {});
  const conversations = new Conversations(recording);
  let timestampNs = startNs;
  const track = (interfaceIndex: number, askEnds: () => TrackEnds = () => ends) => {
    const own: Track = { interfaceIndex, mark: interfaceIndex === 0 ? 1 : 3, ends: askEnds, ready: true };
    const when = () => {
      timestampNs += 1000n;
      return { track: own, timestampNs };
    };
    return {
      open: () => conversations.take({ kind: "opened", ...when() }),
      refused: (reason: string) => conversations.take({ kind: "refused", ...when(), reason }),
      data: (direction: Direction, slices: readonly Uint8Array[]) =>
        conversations.take({ kind: "data", ...when(), direction, slices, bytes: Buffer.concat(slices).length }),
      end: (direction: Direction) => conversations.take({ kind: "ended", ...when(), direction }),
      abort: (by: Direction, reason: string) => conversations.take({ kind: "aborted", ...when(), by, reason }),
    };
  };
  const finish = async (): Promise<ReadCapture> => {
    await recording.finish(timestampNs);
    return readCapture(path);
  };
  return { recording, track, finish };
}

const bytes = (text: string) => [Buffer.from(text)];

test("A connection that is told as it happens is told so in the file.", async () => {
  const { track, finish } = studio();
  const one = track(0);
  one.open();
  one.data("up", bytes("question"));
  one.end("up");
  one.data("down", bytes("answer"));
  one.end("down");
  const { packets } = await finish();
  assert.deepEqual(outline(packets), [
    "up S 0",
    "down SA 0",
    "up A 0",
    "up PA 8",
    "down A 0",
    "up FA 0",
    "down A 0",
    "down PA 6",
    "up A 0",
    "down FA 0",
    "up A 0",
  ]);
  assert.equal(packets[0]?.comment, "porthop flow=L1#1");
  assert.equal(packets[0]?.sourcePort, 1000);
  assert.equal(packets[0]?.targetMac, "027068010002");
});

test("A refusal is a SYN with the comment and a RST with the reason; an abort is a RST with the reason.", async () => {
  const { track, finish } = studio();
  track(1).refused("connection refused");
  const broken = track(0);
  broken.open();
  broken.abort("down", "session lost");
  const { packets } = await finish();
  assert.deepEqual(outline(packets), ["up S 0", "down RA 0", "up S 0", "down SA 0", "up A 0", "down RA 0"]);
  assert.deepEqual(
    [packets[0]?.comment, packets[1]?.comment, packets[5]?.comment],
    ["porthop flow=L1#1", "connection refused", "session lost"],
  );
});

test("Its addresses are asked for once, with the first thing that happens on it, and are those of that moment.", async () => {
  const { track, finish } = studio();
  let asked = 0;
  let port = 0;
  const late = track(1, () => {
    asked += 1;
    return { ...ends, from: { host: "10.0.0.1", port } };
  });
  const other = track(0);
  other.open();
  port = 4711;
  assert.equal(asked, 0);
  late.open();
  port = 4712;
  other.data("up", bytes("other"));
  late.data("up", bytes("question"));
  late.end("down");
  const { packets } = await finish();
  assert.equal(asked, 1);
  assert.deepEqual(
    packets.map(({ interfaceIndex }) => interfaceIndex),
    [0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1],
  );
  assert.equal(packets[3]?.sourcePort, 4711);
  assert.equal(packets[8]?.sourcePort, 4711);
});

test("All frames of one event carry its time, and each a nanosecond of its own.", async () => {
  const { track, finish } = studio();
  const one = track(0);
  one.open();
  one.data("up", bytes("question"));
  one.end("up");
  const { packets } = await finish();
  assert.deepEqual(
    packets.map(({ timestampNs }) => Number(timestampNs - startNs)),
    [1000, 1001, 1002, 2000, 2001, 3000, 3001],
  );
});

test("A connection that is met while it lives gets its handshake late; one that ended stays ended.", async () => {
  const { track, finish } = studio();
  const one = track(0);
  one.data("down", bytes("answer"));
  one.open();
  one.abort("up", "gone");
  one.data("up", bytes("question"));
  one.open();
  const { packets } = await finish();
  assert.deepEqual(outline(packets), ["up S 0", "down SA 0", "up A 0", "down PA 6", "up A 0", "up RA 0"]);
  assert.match(packets[0]?.comment ?? "", /late/);
});

test(
  "While the disk is full payload is skipped and counted, and what follows shows that something is missing.",
  slow,
  async () => {
    using disk = new SlowDisk();
    const path = join(folder, "full.pcapng");
    const { track, finish, recording } = studio(path, disk.fd);
    const one = track(0);
    const chunk = [new Uint8Array(65_000)];
    one.open();
    while (!recording.full) one.data("up", chunk);
    const before = recording.packets;
    for (let count = 0; count < 10; count++) one.data("up", chunk);
    one.data("down", [new Uint8Array(130_001)]);
    assert.equal(recording.packets, before);
    // Ten segments up and three down, and what would have acknowledged each chunk.
    assert.equal(recording.lost, 10 * 2 + 4);
    one.end("up");
    const finished = finish().catch(() => undefined);
    writeFileSync(`${path}.read`, await disk.takeUntil(finished));
    const { packets, statistics } = readCapture(`${path}.read`);
    assert.deepEqual(
      statistics.map(({ received, dropped }) => [received, dropped]),
      [
        [recording.packets + 24, 24],
        [0, 0],
      ],
    );
    const data = packets.filter(({ flags }) => flags === "PA").at(-1);
    const fin = packets.at(-2);
    assert.equal(fin?.flags, "FA");
    const missing = (fin?.sequence ?? 0) - (data?.sequence ?? 0) - 65_000;
    assert.equal(missing >>> 0, 10 * 65_000);
  },
);
