import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { folder, studio } from "../../../kit/conversation-studio.ts";
import { SlowDisk } from "../../../kit/disk.ts";
import { need } from "../../../kit/packages.ts";
import { readCapture } from "../../../kit/packet-reader.ts";
import { currentRuntime } from "../../../kit/runtime.ts";

const slow = { skip: currentRuntime === "deno" ? "Deno writes synchronously" : need("mkfifo"), timeout: 60_000 };

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
