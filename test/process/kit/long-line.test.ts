import assert from "node:assert/strict";
import { test } from "node:test";
import { longLine } from "../../kit/long-line.ts";
import { isAlive } from "../../kit/processes.ts";
import { randomChunks, sumOf } from "../../kit/random.ts";
import { sinkServer, sourceServer } from "../../kit/servers.ts";
import { connectTo, playTarget } from "../../kit/tcp-end.ts";

const timeout = 30_000;
const bytes = 20_000_000;

test("A long line passes all bytes, and each end by itself.", { timeout }, async () => {
  await using sink = await sinkServer();
  await using toSink = await longLine(sink, 10);
  await using source = await sourceServer({ bytes, seed: 1 });
  await using toSource = await longLine(source, 10);
  await using writer = await connectTo(toSink.port);
  await writer.send(randomChunks(bytes, 2));
  writer.end();
  assert.deepEqual(await sink.received(), { ...(await sumOf(randomChunks(bytes, 2))), ended: true });
  assert.equal((await writer.received).ended, true);
  await using reader = await connectTo(toSource.port);
  assert.deepEqual(await reader.received, { ...(await sumOf(randomChunks(bytes, 1))), ended: true });
});

test("The delay counts each way.", { timeout }, async () => {
  await using target = await playTarget();
  await using line = await longLine(target, 40);
  await using near = await connectTo(line.port);
  await using far = await target.accepted();
  const start = performance.now();
  await near.send("question");
  await far.got(8);
  await far.send("answer");
  await near.got(6);
  assert.ok(performance.now() - start >= 80);
});

test("A reset of one side reaches the other.", { timeout }, async () => {
  await using target = await playTarget();
  await using line = await longLine(target, 10);
  await using near = await connectTo(line.port);
  await using far = await target.accepted();
  await near.send("x");
  await far.got(1);
  far.reset();
  assert.equal((await near.received).ended, false);
});

test("A client logs in through the line under the server's own name, and the line ends with the test.", async () => {
  await using target = await playTarget();
  const line = await longLine(target, 10);
  const login = line.login({ host: "127.0.0.1", port: 22, sshArgs: ["-i", "key", "-p", "22", "-l", "22"] });
  const words = ["-i", "key", "-p", String(line.port), "-l", "22", "-o", "HostKeyAlias=[127.0.0.1]:22"];
  assert.deepEqual(login, { host: "127.0.0.1", port: line.port, sshArgs: words });
  await line[Symbol.asyncDispose]();
  assert.equal(isAlive(line.pid), false);
});
