import assert from "node:assert/strict";
import { test } from "node:test";
import { type FaultyRelay, faultyRelay } from "../../kit/faulty-relay.ts";
import { randomChunks, sumOf } from "../../kit/random.ts";
import type { Line } from "../../kit/relayed-connection.ts";
import { sinkServer, sourceServer } from "../../kit/servers.ts";
import { connectTo, type PlayedTarget, playTarget, type TcpEnd } from "../../kit/tcp-end.ts";

const timeout = 20_000;
const bytes = 2_000_000;

for (const [name, line] of [
  ["A good line", {}],
  ["A line with a delay", { delayMs: 20 }],
  ["A slow line", { bytesPerSecond: 20_000_000 }],
] as const) {
  test(`${name} passes all bytes, and each end by itself.`, { timeout }, async () => {
    await using sink = await sinkServer();
    await using toSink = await faultyRelay(sink, line);
    await using source = await sourceServer({ bytes, seed: 1 });
    await using toSource = await faultyRelay(source, line);
    await using writer = await connectTo(toSink.port);
    await writer.send(randomChunks(bytes, 2));
    writer.end();
    assert.deepEqual(await sink.received(), { ...(await sumOf(randomChunks(bytes, 2))), ended: true });
    assert.equal((await writer.received).ended, true);
    await using reader = await connectTo(toSource.port);
    assert.deepEqual(await reader.received, { ...(await sumOf(randomChunks(bytes, 1))), ended: true });
    assert.deepEqual([toSink.accepted, toSource.accepted], [1, 1]);
  });
}

test("A delay counts each way.", { timeout }, async () => {
  await using pair = await connected({ delayMs: 50 });
  const start = performance.now();
  await pair.near.send("question");
  await pair.far.got(8);
  await pair.far.send("answer");
  await pair.near.got(6);
  // Timers may come a little early.
  assert.ok(performance.now() - start >= 95);
});

test("A cut resets both sides, of the oldest connections or of all.", { timeout }, async () => {
  await using target = await playTarget();
  await using relay = await faultyRelay(target);
  const ends: Pair[] = [];
  for (const index of [0, 1, 2]) ends.push(await pairOf(relay, target, index));
  assert.equal(relay.cut(1), 1);
  const [first, second, third] = ends;
  assert.deepEqual(await endings(first), [false, false]);
  assert.equal(relay.open, 2);
  await second?.near.send("still here");
  await second?.far.got(10);
  assert.equal(relay.cut(), 2);
  assert.deepEqual([await endings(second), await endings(third), relay.open], [[false, false], [false, false], 0]);
});

test("A reset of one side reaches the other.", { timeout }, async () => {
  await using pair = await connected();
  pair.far.reset();
  assert.equal((await pair.near.received).ended, false);
});

test("A FIN in the middle reaches both sides.", { timeout }, async () => {
  await using pair = await connected();
  pair.relay.finish();
  assert.deepEqual(await endings(pair), [true, true]);
});

test("What is swallowed arrives late, and no end is told meanwhile.", { timeout }, async () => {
  await using pair = await connected();
  pair.relay.swallow();
  await using stranger = await connectTo(pair.relay.port);
  await stranger.send("anybody?");
  await pair.near.send("question");
  await pair.far.send("answer");
  pair.far.end();
  await using other = await pair.target.accepted(1);
  // Another way to the same target shows that time has passed.
  await visits(pair.target, 20);
  assert.deepEqual([pair.near.text, pair.far.text, other.text], ["", "", ""]);
  pair.relay.pass();
  assert.deepEqual([(await pair.near.received).ended, pair.near.text], [true, "answer"]);
  await pair.far.got(8);
  await other.got(8);
});

test("A side that breaks off while all is swallowed is told afterwards.", { timeout }, async () => {
  await using pair = await connected();
  pair.relay.swallow();
  pair.far.reset();
  await visits(pair.target, 20);
  assert.equal(pair.relay.open, 1);
  pair.relay.pass();
  assert.equal((await pair.near.received).ended, false);
});

test("A relay that refuses keeps its connections, and listens again on the same port.", { timeout }, async () => {
  await using pair = await connected();
  const { port } = pair.relay;
  await pair.relay.refuse();
  await assert.rejects(connectTo(port), /ECONNREFUSED/);
  await pair.near.send("still here");
  await pair.far.got(10);
  await pair.relay.listen();
  assert.equal(pair.relay.port, port);
  await using _again = await connectTo(port);
});

test("A client logs in through the relay under the server's own name.", { timeout }, async () => {
  await using pair = await connected();
  const login = pair.relay.login({ host: "127.0.0.1", port: 22, sshArgs: ["-i", "key", "-p", "22", "-l", "22"] });
  const words = ["-i", "key", "-p", String(pair.relay.port), "-l", "22", "-o", "HostKeyAlias=[127.0.0.1]:22"];
  assert.deepEqual(login, { host: "127.0.0.1", port: pair.relay.port, sshArgs: words });
});

interface Pair {
  readonly near: TcpEnd;
  readonly far: TcpEnd;
}

async function endings(pair: Pair | undefined): Promise<(boolean | undefined)[]> {
  return [(await pair?.near.received)?.ended, (await pair?.far.received)?.ended];
}

/** So many connections past the relay: after them it is sure that the relay had its turns. */
async function visits(target: PlayedTarget, count: number): Promise<void> {
  for (let visit = 0; visit < count; visit++) {
    await using visitor = await connectTo(target.port);
    await visitor.send("x");
  }
  await new Promise((resolve) => setImmediate(resolve));
}

async function pairOf(relay: FaultyRelay, target: PlayedTarget, index: number): Promise<Pair> {
  const near = await connectTo(relay.port);
  return { near, far: await target.accepted(index) };
}

async function connected(line?: Line) {
  const target = await playTarget();
  const relay = await faultyRelay(target, line);
  const pair = await pairOf(relay, target, 0);
  return {
    ...pair,
    relay,
    target,
    async [Symbol.asyncDispose]() {
      await relay[Symbol.asyncDispose]();
      await target[Symbol.asyncDispose]();
    },
  };
}
