import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { CaptureScene, turn } from "../../kit/capture-scene.ts";
import { tinyDisk } from "../../kit/disk.ts";
import { readCapture } from "../../kit/packet-reader.ts";
import { removeTemp, tempDirectory } from "../../kit/temp.ts";

const folder = tempDirectory("capture");
after(() => removeTemp(folder));
const target = { host: "10.0.0.3", port: 5432 };

test("A full disk ends the capture with one warning, the flows go on, and what was written is whole.", async (context) => {
  using disk = tinyDisk(3);
  if (disk.path === undefined) return context.skip("needs to mount a tmpfs");
  const scene = await CaptureScene.start(join(disk.path, "out.pcapng"));
  const flow = scene.enter({ target });
  await scene.dial(flow);
  for (let count = 0; count < 100; count++) {
    scene.send(flow, "up", new Uint8Array(50_000));
    await turn();
  }
  scene.exchange(flow, new Uint8Array(1), new Uint8Array(1));
  await scene.close();
  assert.deepEqual(scene.host.lines, [`warn the disk is full: the capture ${scene.file} ended, the forwards go on`]);
  assert.ok(readCapture(scene.file).packets.length > 10);
});
