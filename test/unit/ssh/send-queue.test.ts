import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { SendQueue } from "../../../src/ssh/send-queue.ts";

const kibibyte = 1024;
const chunkBytes = 64 * kibibyte;

/** A network in the test's hands: what is written waits until the test lets it go, and time passes when it says so. */
function network() {
  const stream = new PassThrough();
  let told = () => {};
  let nowMs = 0;
  const outgoing = {
    ...{ given: 0, sent: 0 },
    onGiven: () => {},
    onSent: (tell: () => void) => {
      told = tell;
    },
  };
  const queue = new SendQueue(stream, outgoing, () => nowMs);
  return {
    ...{ stream, queue },
    get waitingBytes() {
      return outgoing.given - outgoing.sent;
    },
    write: (bytes: number) => {
      outgoing.given += bytes;
      return queue.congestion();
    },
    async take(bytes: number, ms = 0) {
      nowMs += ms;
      outgoing.sent += Math.min(bytes, outgoing.given - outgoing.sent);
      told();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

/** Writes chunk after chunk as a flow does, each when the last one was accepted. Tells how many it has written. */
function writer(play: ReturnType<typeof network>, bytes = chunkBytes) {
  const state = { chunks: 0 };
  void (async () => {
    for (;;) {
      state.chunks += 1;
      await play.write(bytes);
      if (play.stream.destroyed) return;
    }
  })();
  return state;
}

test("Writers wait while more waits for the network than it takes in a few milliseconds.", async () => {
  const play = network();
  assert.equal(play.write(chunkBytes), undefined);
  const waits = play.write(chunkBytes);
  assert.ok(waits instanceof Promise);
  await play.take(1);
  await waits;
});

test("What waits follows the speed of the network, within its bounds.", async () => {
  for (const [bytesPerMs, mostBytes] of [
    [10 * kibibyte, 128 * kibibyte + chunkBytes],
    [100 * kibibyte, 500 * kibibyte + chunkBytes],
    [1000 * kibibyte, 1024 * kibibyte + chunkBytes],
  ] as const) {
    const play = network();
    writer(play);
    let [least, most] = [Number.POSITIVE_INFINITY, 0];
    for (let step = 0; step < 400; step++) {
      await play.take(bytesPerMs, 1);
      if (step < 100) continue;
      most = Math.max(most, play.waitingBytes);
      least = Math.min(least, play.waitingBytes);
    }
    assert.ok(most <= mostBytes, `${most} bytes at ${bytesPerMs} a millisecond`);
    // The network always has something to take.
    assert.ok(least > 0, `${least}`);
    play.stream.destroy();
    await play.take(1);
  }
});

test("Many writers go on in turn, and all of them together do not make the queue longer.", async () => {
  const play = network();
  const writers = Array.from({ length: 20 }, () => writer(play));
  for (let step = 0; step < 2000; step++) await play.take(chunkBytes, 1);
  const chunks = writers.map((each) => each.chunks);
  assert.ok(Math.min(...chunks) > 50, chunks.join());
  assert.ok(Math.max(...chunks) - Math.min(...chunks) <= 2, chunks.join());
  assert.ok(play.waitingBytes <= 600 * kibibyte, `${play.waitingBytes}`);
  play.stream.destroy();
  await play.take(1);
});

test("Nobody waits for a network that is gone.", async () => {
  const play = network();
  void play.write(10 * chunkBytes);
  const waits = Promise.all([play.queue.congestion(), play.queue.congestion()]);
  play.stream.destroy();
  await waits;
  assert.equal(play.queue.congestion(), undefined);
});

test("Uploads that began together all go on once the network has taken everything, also when some have no more to send.", async () => {
  const play = network();
  const writes = Array.from({ length: 20 }, () => play.write(chunkBytes));
  for (let step = 0; step < 20; step++) await play.take(chunkBytes, 1);
  assert.equal(play.waitingBytes, 0);
  let isDone = false;
  void Promise.all(writes).then(() => {
    isDone = true;
  });
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(isDone);
});
