import assert from "node:assert/strict";
import { existsSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { Demo } from "../../../src/demo/demo.ts";
import { page } from "../../../src/demo/web-server.ts";
import { PorthopError } from "../../../src/errors.ts";
import { LogLines } from "../../kit/log-lines.ts";
import { readCapture } from "../../kit/packet-reader.ts";
import { connectTo } from "../../kit/tcp-end.ts";
import { tellingTo } from "../../kit/telling.ts";
import { removeTemp, tempDirectory } from "../../kit/temp.ts";

const timeout = 30_000;
const never = new AbortController().signal;
const folder = tempDirectory("demo");
after(() => removeTemp(folder));

class PlayedDemo {
  readonly shown: string[] = [];
  readonly log = new LogLines();
  readonly demo: Demo;

  constructor(capture: string | undefined) {
    this.demo = new Demo({
      version: "0.0.0",
      telling: tellingTo(this.log, { loggerFor: () => this.log }),
      capture,
      show: (line) => this.shown.push(line),
    });
  }

  /** The number behind some words that were shown. */
  number(pattern: RegExp): number {
    return Number(pattern.exec(this.shown.join("\n"))?.[1]);
  }
}

async function page1(url: string): Promise<string> {
  await using client = await connectTo(Number(new URL(url).port));
  await client.send("GET / HTTP/1.0\r\n\r\n");
  await client.received;
  return client.text;
}

test("It shows one request with the true ports, explained in 80 columns, and goes on until its end.", {
  timeout,
}, async () => {
  const capture = join(folder, "shown.pcapng");
  const play = new PlayedDemo(capture);
  const url = await play.demo.play(never);
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/$/);
  for (const line of play.shown) assert.ok(line.length <= 80, `${line.length} columns: ${line}`);
  const text = play.shown.join("\n");
  assert.ok(text.includes(`${url} was answered by the web server on port `), text);
  assert.ok(text.includes(`  200 ${JSON.stringify(page)}`), text);
  assert.doesNotMatch(text, /\?|undefined|:0\b/);
  assert.ok((await page1(url)).endsWith(page), "others can use it too");
  assert.equal(await play.demo.end(1000, never), capture);
  await assert.rejects(connectTo(Number(new URL(url).port)));
  await assert.rejects(connectTo(play.number(/-p (\d+) demo@/)), "the demo's sshd is gone as well");
  await assert.rejects(connectTo(play.number(/answered by the web server on port (\d+)/)));
  assert.doesNotMatch(play.log.text, /^(warn|error)/m);
});

test("Its capture holds the three connections with the ports that it showed.", { timeout }, async () => {
  const capture = join(folder, "legs.pcapng");
  const play = new PlayedDemo(capture);
  await play.demo.play(never);
  await play.demo.end(1000, never);
  const { packets } = readCapture(capture);
  for (const leg of [1, 2, 3]) {
    const from = play.number(new RegExp(`leg ${leg} {2}127\\.0\\.0\\.1:(\\d+) >`));
    const to = play.number(new RegExp(`leg ${leg} {2}\\S+ > 127\\.0\\.0\\.1:(\\d+)`));
    const [syn] = packets.filter(({ interfaceIndex }) => interfaceIndex === leg - 1);
    assert.deepEqual([syn?.flags, syn?.sourcePort, syn?.targetPort], ["S", from, to], `leg ${leg}`);
  }
  const clear = packets.filter(({ payload }) => Buffer.from(payload).includes(page));
  assert.deepEqual(clear.map(({ interfaceIndex }) => interfaceIndex).toSorted(), [0, 2], "leg 2 is encrypted");
});

test("A connection that somebody still holds at the end is broken, and is no error.", { timeout }, async () => {
  const play = new PlayedDemo(join(folder, "held.pcapng"));
  const url = await play.demo.play(never);
  await using held = await connectTo(Number(new URL(url).port));
  await held.send("GET / HTTP/1.1\r\n");
  const strays: unknown[] = [];
  const stray = (reason: unknown) => void strays.push(reason);
  process.on("unhandledRejection", stray);
  await play.demo.end(20, never);
  assert.equal((await held.received).ended, false);
  await new Promise((resolve) => setImmediate(resolve));
  process.removeListener("unhandledRejection", stray);
  assert.deepEqual(strays, []);
});

test("Two demos at the same time do not get in each other's way.", { timeout }, async () => {
  const plays = [new PlayedDemo(join(folder, "one.pcapng")), new PlayedDemo(join(folder, "two.pcapng"))];
  const urls = await Promise.all(plays.map((play) => play.demo.play(never)));
  assert.notEqual(urls[0], urls[1]);
  for (const url of urls) assert.ok((await page1(url)).endsWith(page));
  await Promise.all(plays.map((play) => play.demo.end(1000, never)));
});

test("Without a name the capture goes into a new folder for temporary files.", { timeout }, async () => {
  const play = new PlayedDemo(undefined);
  await play.demo.play(never);
  const capture = await play.demo.end(1000, never);
  assert.ok(capture.startsWith(join(tmpdir(), "porthop-demo-")) && capture.endsWith("demo.pcapng"), capture);
  assert.ok(existsSync(capture));
  rmSync(dirname(capture), { recursive: true });
});

test("A capture that cannot be written is the error that the user gets, and everything ends.", {
  timeout,
}, async () => {
  const play = new PlayedDemo(join(folder, "no", "such", "folder.pcapng"));
  await assert.rejects(
    play.demo.play(never),
    (error) => error instanceof PorthopError && error.code === "file.cannot-write",
  );
  await play.demo.end(0, never);
});

test("An interruption before the request ends it with its reason.", { timeout }, async () => {
  const play = new PlayedDemo(join(folder, "interrupted.pcapng"));
  const interruption = new AbortController();
  interruption.abort(new PorthopError("cancelled", "stopped by SIGINT"));
  await assert.rejects(play.demo.play(interruption.signal), { code: "cancelled" });
  await play.demo.end(0, never);
});

test("An end without a beginning is none.", { timeout }, async () => {
  const capture = join(folder, "never.pcapng");
  assert.equal(await new PlayedDemo(capture).demo.end(0, never), capture);
  assert.equal(existsSync(capture), false);
});
