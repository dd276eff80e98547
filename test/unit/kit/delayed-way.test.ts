import assert from "node:assert/strict";
import { once } from "node:events";
import { Duplex, PassThrough } from "node:stream";
import { test } from "node:test";
import { DelayedWay } from "../../kit/delayed-way.ts";
import { randomChunks, Summing, sumOf } from "../../kit/random.ts";
import { drained } from "../../kit/tcp-end.ts";

const timeout = 20_000;

test("All bytes arrive in order, and then the end.", { timeout }, async () => {
  const [from, to] = [new PassThrough(), new PassThrough()];
  new DelayedWay(from, to, 5);
  const sum = new Summing();
  to.on("data", (chunk: Uint8Array) => sum.add(chunk));
  const ended = once(to, "end");
  for (const chunk of randomChunks(3_000_000, 1)) if (!from.write(chunk)) await drained(from);
  from.end();
  await ended;
  assert.deepEqual(sum.sum(), await sumOf(randomChunks(3_000_000, 1)));
});

test("No byte is early, and what came later arrives later.", { timeout }, async () => {
  const [from, to] = [new PassThrough(), new PassThrough()];
  new DelayedWay(from, to, 30);
  for (const text of ["first", "second"]) {
    const start = performance.now();
    from.write(text);
    const [chunk] = (await once(to, "data")) as [Buffer];
    assert.equal(String(chunk), text);
    assert.ok(performance.now() - start >= 30);
  }
});

test("A receiver that takes nothing makes the sender wait, and gets all of it afterwards.", { timeout }, async () => {
  const taken: number[] = [];
  let take = () => {};
  const to = new Duplex({
    highWaterMark: 1000,
    read() {},
    write(chunk: Uint8Array, _encoding, done) {
      taken.push(chunk.length);
      take = done;
    },
  });
  const from = new PassThrough();
  new DelayedWay(from, to, 1, 10_000);
  const paused = once(from, "pause");
  for (let count = 0; count < 100; count++) from.write(Buffer.alloc(1000));
  from.end();
  await paused;
  while (to.writableLength === 0) await new Promise((resolve) => setImmediate(resolve));
  // One is in the receiver's hands, and the others wait.
  assert.deepEqual([taken, from.isPaused()], [[1000], true]);
  const finished = once(to, "finish");
  const taking = setInterval(() => take());
  await finished;
  clearInterval(taking);
  assert.equal(
    taken.reduce((sum, bytes) => sum + bytes, 0),
    100_000,
  );
});

test("What was under way when a line broke does not arrive.", { timeout }, async () => {
  const [from, to] = [new PassThrough(), new PassThrough()];
  const [otherFrom, otherTo] = [new PassThrough(), new PassThrough()];
  const way = new DelayedWay(from, to, 10);
  new DelayedWay(otherFrom, otherTo, 10);
  from.write("lost");
  otherFrom.write("seen");
  await new Promise((resolve) => setImmediate(resolve));
  way.stop();
  await once(otherTo, "data");
  assert.equal(to.readableLength, 0);
});
