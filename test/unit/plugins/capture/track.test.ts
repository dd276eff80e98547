import assert from "node:assert/strict";
import { openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { BlockWriter } from "../../../../plugins/capture/block-writer.ts";
import { Recording } from "../../../../plugins/capture/recording.ts";
import { steadyClock, Timeline } from "../../../../plugins/capture/timeline.ts";
import { Track, type TrackEnds } from "../../../../plugins/capture/track.ts";
import { pcapngFormat } from "../../../../src/codec/capture/capture-file.ts";
import { SlowDisk } from "../../../kit/disk.ts";
import { need } from "../../../kit/packages.ts";
import { outline, type ReadCapture, readCapture } from "../../../kit/packet-reader.ts";
import { currentRuntime } from "../../../kit/runtime.ts";
import { removeTemp, tempDirectory } from "../../../kit/temp.ts";

const folder = tempDirectory("track");
after(() => removeTemp(folder));
const slow = { skip: currentRuntime === "deno" ? "Deno writes synchronously" : need("mkfifo"), timeout: 60_000 };

const legs = ["leg1-app-listener", "leg3-sshd-target"].map((name) => ({ name, description: "made up by a test" }));
const ends: TrackEnds = {
  from: { host: "10.0.0.1", port: 1000 },
  to: { host: "10.0.0.2", port: 80 },
  comment: "porthop flow=L1#1",
};

let files = 0;

/** A recording with tracks in it; `finish` reads the file back. */
function studio(path = join(folder, `${++files}.pcapng`), fd = openSync(path, "w")) {
  const clock = steadyClock();
  const writer = new BlockWriter(fd, { failed: (error) => assert.fail(String(error)) });
  const recording = new Recording(writer, pcapngFormat({ application: "porthop" }), legs, clock(), () => {});
  const timeline = new Timeline(clock);
  const track = (index: number, ready: boolean, askEnds: () => TrackEnds = () => ends) =>
    new Track({ recording, timeline, interfaceIndex: index, leg: index === 0 ? 1 : 3 }, ready, askEnds);
  const close = async (): Promise<void> => {
    timeline.finish();
    await recording.finish(clock());
  };
  const finish = async (): Promise<ReadCapture> => {
    await close();
    return readCapture(path);
  };
  return { recording, track, close, finish, clock };
}

const bytes = (text: string) => [Buffer.from(text)];

test("A connection that is told as it happens is told so in the file.", async () => {
  const { track, finish } = studio();
  const one = track(0, true);
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
  track(1, true).refused("connection refused");
  const broken = track(0, true);
  broken.open();
  broken.abort("down", "session lost");
  const { packets } = await finish();
  assert.deepEqual(outline(packets), ["up S 0", "down RA 0", "up S 0", "down SA 0", "up A 0", "down RA 0"]);
  assert.deepEqual(
    [packets[0]?.comment, packets[1]?.comment, packets[5]?.comment],
    ["porthop flow=L1#1", "connection refused", "session lost"],
  );
});

test("Until it begins everything waits, other tracks too; its ends are asked once, and then.", async () => {
  const { track, finish, recording } = studio();
  let asked = 0;
  let port = 0;
  const late = track(1, false, () => {
    asked += 1;
    return { ...ends, from: { host: "10.0.0.1", port } };
  });
  const other = track(0, true);
  late.open();
  other.open();
  late.data("up", bytes("question"));
  other.data("up", bytes("other"));
  assert.deepEqual([asked, recording.packets, late.ready], [0, 0, false]);
  port = 4711;
  late.begin();
  assert.deepEqual([asked, recording.packets, late.ready], [1, 10, true]);
  late.end("down");
  const { packets } = await finish();
  assert.equal(asked, 1);
  assert.deepEqual(
    packets.map(({ interfaceIndex }) => interfaceIndex),
    [1, 1, 1, 0, 0, 0, 1, 1, 0, 0, 1, 1],
  );
  assert.equal(packets[0]?.sourcePort, 4711);
});

test("The packets of what waited carry the time at which it happened.", async () => {
  const { track, finish, clock } = studio();
  const late = track(1, false);
  late.open();
  const opened = clock();
  late.data("up", bytes("question"));
  const asked = clock();
  late.begin();
  const { packets } = await finish();
  assert.ok((packets[0]?.timestampNs ?? 0n) < opened);
  assert.ok((packets[3]?.timestampNs ?? 0n) > opened);
  assert.ok((packets[3]?.timestampNs ?? asked) < asked);
});

test("A track that nobody ever begins is written at the end, with what is known.", async () => {
  const { track, finish } = studio();
  track(1, false).open();
  const { packets } = await finish();
  assert.deepEqual(outline(packets), ["up S 0", "down SA 0", "up A 0"]);
});

test("When too much waits for it, it begins by itself.", async () => {
  const { track, finish, recording } = studio();
  const late = track(1, false);
  late.open();
  for (let count = 0; count < 129; count++) late.data("down", [new Uint8Array(65_536)]);
  assert.equal(late.ready, true);
  assert.ok(recording.packets > 129);
  await finish();
});

test(
  "While the disk is full payload is skipped and counted, and what follows shows that something is missing.",
  slow,
  async () => {
    using disk = new SlowDisk();
    const path = join(folder, "full.pcapng");
    const { track, finish, recording } = studio(path, disk.fd);
    const one = track(0, true);
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
