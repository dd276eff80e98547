import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServerChannel } from "ssh2";
import type { Chunk } from "../../../../src/plugin.ts";
import { type OutputTaker, takeOutputs } from "../../../../src/ssh/ssh2/outputs.ts";
import { windowBytes } from "../../../../src/ssh/ssh2/receive-window.ts";
import { ChannelPair } from "../../../kit/channel-pair.ts";
import { serverChannelView, serverView } from "../../../kit/ssh2-server-view.ts";
import { Waiting } from "../../../kit/waiting.ts";

/** Holds what has come until the test reads it. */
class Taker implements OutputTaker {
  readonly chunks: (Chunk | null)[] = [];
  readonly #waiting: Waiting;

  constructor(waiting: Waiting) {
    this.#waiting = waiting;
  }

  get unreadBytes(): number {
    return this.chunks.reduce((sum, chunk) => sum + (chunk?.length ?? 0), 0);
  }

  take(chunk: Chunk | null): void {
    this.chunks.push(chunk);
    this.#waiting.change();
  }
}

async function scene() {
  const pair = await ChannelPair.open();
  const { near, far } = await pair.channel();
  const waiting = new Waiting();
  const [stdout, stderr] = [new Taker(waiting), new Taker(waiting)];
  const opened = takeOutputs(near, stdout, stderr);
  const { _protocol: protocol } = serverView(pair.connection);
  /** All that the server has sent so far has come. */
  const allCame = () => pair.ports.ping();
  return { pair, near, far, waiting, stdout, stderr, opened, protocol, allCame };
}

/** Sends blocks of stdout and as many of stderr for as long as the window lets it; gives how many bytes. */
function fill(far: ServerChannel, { protocol }: Pick<Awaited<ReturnType<typeof scene>>, "protocol">): number {
  const { outgoing } = serverChannelView(far);
  const block = Buffer.alloc(16_384);
  let sent = 0;
  for (; outgoing.window >= 2 * block.length; sent += 2 * block.length) {
    outgoing.window -= 2 * block.length;
    protocol.channelData(outgoing.id, block);
    protocol.channelExtData(outgoing.id, block, 1);
  }
  return sent;
}

test("Both outputs are taken before their streams hold anything, and what listens to the channel gets none of it.", {
  timeout: 30_000,
}, async () => {
  const all = await scene();
  await using _pair = all.pair;
  const { near, far, stdout, stderr, allCame } = all;
  near.on("data", () => assert.fail("the stream has data"));
  far.write("out");
  far.stderr.write("err");
  await allCame();
  assert.deepEqual([stdout.chunks.map(String), stderr.chunks.map(String)], [["out"], ["err"]]);
});

test("The end comes behind the data, and is the streams' own as well: so the channel is closed.", {
  timeout: 30_000,
}, async () => {
  const all = await scene();
  await using _pair = all.pair;
  const { near, far, stdout, stderr } = all;
  const closed = [near, near.stderr].map((stream) => new Promise<void>((resolve) => stream.once("close", resolve)));
  near.resume();
  far.write("last");
  far.end();
  await Promise.all(closed);
  assert.equal(String(stdout.chunks.shift()), "last");
  // ssh2 says so at the EOF and at the CLOSE.
  for (const { chunks } of [stdout, stderr]) assert.deepEqual(new Set(chunks), new Set([null]));
});

test("Both share one window, which is opened for what was read of either and for nothing else.", {
  timeout: 30_000,
}, async () => {
  const all = await scene();
  await using _pair = all.pair;
  const { far, stdout, stderr, opened, allCame } = all;
  assert.equal(fill(far, all), windowBytes);
  await allCame();
  assert.equal(stdout.unreadBytes + stderr.unreadBytes, windowBytes);
  opened();
  await allCame();
  assert.equal(fill(far, all), 0, "nothing was read");
  const read = 256 * 1024;
  for (let bytes = 0; bytes < read; bytes += 16_384) stderr.chunks.shift();
  opened();
  await allCame();
  assert.equal(fill(far, all), read);
});
