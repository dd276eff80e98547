/** A capture to stdout, read by somebody who is slow, who goes away, or who reads as Wireshark does. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { tshark } from "../../kit/capture.ts";
import { atExit } from "../../kit/lifetime.ts";
import { need } from "../../kit/packages.ts";
import { readCapture } from "../../kit/packet-reader.ts";
import { currentRuntime, projectRoot, scriptCommand } from "../../kit/runtime.ts";
import { removeTemp, tempDirectory } from "../../kit/temp.ts";
import { Transcript } from "../../kit/transcript.ts";

const folder = tempDirectory("capture-stdout");
after(() => removeTemp(folder));
/** Deno's fs.write does its work before it returns: a reader who stands still stops the whole program. */
const limits = { skip: currentRuntime === "deno" && "Deno writes synchronously", timeout: 60_000 };
const tools = { ...limits, skip: limits.skip || need("tshark") };

/** Runs it; what it writes to stdout is not read until somebody does. */
function capturing(chunks: number) {
  const [command = "", ...args] = scriptCommand(currentRuntime, join(projectRoot, "test/kit/capture-to-stdout.ts"));
  const child: ChildProcess = spawn(command, [...args, String(chunks)], { stdio: ["ignore", "pipe", "pipe"] });
  atExit(() => child.kill("SIGKILL"));
  const told = new Transcript("its stderr");
  child.stderr?.setEncoding("utf8").on("data", (text: string) => told.add(text));
  const exit = new Promise<number | null>((resolve) => {
    child.on("close", (code) => {
      told.end("it ended");
      resolve(code);
    });
  });
  return { child, told, exit };
}

test(
  "A reader who stands still does not stop the flow: frames are dropped, told of once and counted.",
  tools,
  async () => {
    const { child, told, exit } = capturing(2000);
    // 125 MB on each of two legs: three times what may wait. The flow is over before anybody reads a byte.
    await told.until(/^carried$/m);
    const chunks: Uint8Array[] = [];
    child.stdout?.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    assert.equal(await exit, 0);
    const file = join(folder, "slow.pcapng");
    writeFileSync(file, Buffer.concat(chunks));
    const { packets, statistics } = readCapture(file);
    const received = statistics.reduce((sum, each) => sum + each.received, 0);
    const dropped = statistics.reduce((sum, each) => sum + each.dropped, 0);
    assert.equal(received - dropped, packets.length);
    assert.ok(dropped > 1000, `${dropped} frames dropped`);
    const expected = [
      "carried",
      "warn the disk is slower than the traffic: frames are being dropped, the forwards go on",
      `info ${packets.length} packets in -, ${dropped} frames lost`,
    ];
    assert.deepEqual(told.text.trim().split("\n").toSorted(), expected.toSorted());
    const missing = await tshark(file, ["-Y", "tcp.analysis.lost_segment"]);
    assert.deepEqual(
      [missing.code, missing.lines.length > 0],
      [0, true],
      "Wireshark says that something was not captured",
    );
  },
);

test("A reader who goes away ends the capture, not the flow.", limits, async () => {
  const { child, told, exit } = capturing(200);
  child.stdout?.destroy();
  assert.equal(await exit, 0);
  assert.deepEqual(told.text.trim().split("\n").toSorted(), [
    "carried",
    "warn the reader of the capture is gone: the capture ended, the forwards go on",
  ]);
});

test("A reader who keeps up gets everything, and stdout stays open.", limits, async () => {
  const { child, told, exit } = capturing(100);
  const chunks: Uint8Array[] = [];
  child.stdout?.on("data", (chunk: Uint8Array) => chunks.push(chunk));
  assert.equal(await exit, 0);
  const file = join(folder, "whole.pcapng");
  writeFileSync(file, Buffer.concat(chunks));
  const { packets } = readCapture(file);
  const bytes = packets.reduce((sum, { payload }) => sum + payload.length, 0);
  assert.equal(bytes, 2 * 100 * 65_536);
  assert.match(told.text, new RegExp(`^info ${packets.length} packets in -$`, "m"));
});
