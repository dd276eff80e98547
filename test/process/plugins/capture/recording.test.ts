import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { SlowDisk } from "../../../kit/disk.ts";
import { need } from "../../../kit/packages.ts";
import { readCapture } from "../../../kit/packet-reader.ts";
import { folder, recordingOn, startNs, talk } from "../../../kit/recording-scene.ts";
import { currentRuntime } from "../../../kit/runtime.ts";

const slow = { skip: currentRuntime === "deno" ? "Deno writes synchronously" : need("mkfifo"), timeout: 60_000 };

test(
  "With a disk that stands still it says when it is full, then takes nothing more, and still writes its end.",
  slow,
  async () => {
    using disk = new SlowDisk();
    const { recording, told } = recordingOn(disk.fd);
    const conversation = talk(recording, 0, () => startNs + 1n);
    const chunk = new Uint8Array(65_000);
    conversation.open();
    let chunks = 0;
    for (; !recording.full; chunks++) conversation.data("up", [chunk]);
    assert.ok(chunks > 500 && chunks < 520, `full after ${chunks} chunks of 65 kB`);
    assert.deepEqual([recording.lost, told()], [0, 0]);
    // Nobody asks whether it is full: as many small frames would do it.
    for (let more = 0; more < 1000; more++) conversation.data("up", [chunk]);
    assert.ok(recording.lost > 1000, `${recording.lost} frames lost`);
    assert.equal(told(), 1);
    recording.name({ address: "198.18.1.1", name: "db.internal" });
    const all = recording.packets + recording.lost;
    const bytes = await disk.takeUntil(recording.finish(startNs + 2n));
    assert.ok(bytes.length < 42 * 1024 * 1024, `${bytes.length} bytes were held`);
    const path = join(folder, "slow.pcapng");
    writeFileSync(path, bytes);
    const { packets, statistics, names } = readCapture(path);
    assert.deepEqual([packets.length, names], [recording.packets, []]);
    assert.equal(statistics[0]?.received, all);
    assert.equal(statistics[0]?.dropped, recording.lost);
  },
);
