import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { connPair, readAll, writeAll } from "../../kit/memory-conn.ts";
import { randomBytes, randomChunks } from "../../kit/random.ts";

const reason = new Error("cable cut");

test("What one end writes the other reads, in both directions and as the same chunks.", async () => {
  const [a, b] = connPair();
  const chunk = randomBytes(10);
  await a.write(chunk);
  await b.write(randomBytes(20, 2));
  assert.equal(await b.read(), chunk, "the chunk is handed on, not copied");
  assert.deepEqual(await a.read(), randomBytes(20, 2));
  assert.deepEqual([a.acceptedBytes, a.readBytes, b.acceptedBytes, b.readBytes], [10, 20, 20, 10]);
});

test("Each half ends on its own, after all that was written.", async () => {
  const [a, b] = connPair();
  await a.write(randomBytes(3));
  await a.end();
  await a.end();
  assert.equal(a.ended, true);
  assert.equal(b.ended, false);
  assert.equal((await readAll(b)).length, 3);
  assert.equal(await b.read(), undefined, "the end can be read again");
  await b.write(randomBytes(4));
  await b.end();
  assert.equal((await readAll(a)).length, 4);
  await assert.rejects(a.write(randomBytes(1)), /write after end/);
});

test("A peer that never reads is written to until the buffer is full, and not a byte more.", async () => {
  const [a] = connPair({ capacityBytes: 100 });
  await a.write(randomBytes(60));
  await a.write(randomBytes(40));
  let accepted = false;
  const third = a.write(randomBytes(1)).then(() => {
    accepted = true;
  });
  await turns();
  assert.deepEqual([accepted, a.acceptedBytes, a.waitingWrites], [false, 100, 1]);
  a.abort(reason);
  await assert.rejects(third, reason);
});

test("Reading makes room, and waiting writes are accepted in their order.", async () => {
  const [a, b] = connPair({ capacityBytes: 10 });
  const order: number[] = [];
  const writes = [8, 8, 2].map((bytes, index) => a.write(randomBytes(bytes)).then(() => order.push(index)));
  await turns();
  assert.deepEqual(order, [0], "the small third one does not overtake the second");
  assert.equal((await b.read())?.length, 8);
  await Promise.all(writes);
  assert.deepEqual(order, [0, 1, 2]);
});

test("With a capacity of 0 each write waits for its reader.", async () => {
  const [a, b] = connPair({ capacityBytes: 0 });
  let accepted = false;
  const write = a.write(randomBytes(5)).then(() => {
    accepted = true;
  });
  await turns();
  assert.equal(accepted, false);
  assert.equal((await b.read())?.length, 5);
  await write;
});

test("A chunk larger than the whole buffer goes through once its reader is there.", async () => {
  const [a, b] = connPair({ capacityBytes: 10 });
  const writing = writeAll(a, [randomBytes(5), randomBytes(1000, 2), randomBytes(5, 3)]);
  assert.equal((await readAll(b)).length, 1010);
  await writing;
});

test("An abort on either side rejects the reads and writes of both with the reason, and loses what was not read.", async () => {
  for (const side of [0, 1]) {
    const pair = connPair({ capacityBytes: 1 });
    const [a, b] = pair;
    await a.write(randomBytes(1));
    const pending = [a.read(), a.write(randomBytes(5))];
    const rejected = pending.map((operation) => assert.rejects(operation, reason));
    pair[side]?.abort(reason);
    pair[side]?.abort(new Error("again"));
    await Promise.all(rejected);
    for (const end of pair) {
      assert.equal(end.aborted, reason);
      await assert.rejects(end.read(), reason);
      await assert.rejects(end.write(randomBytes(1)), reason);
      await assert.rejects(end.end(), reason);
    }
    assert.equal(b.readBytes, 0);
  }
});

test("Nothing is left to abort once both halves have ended and were read.", async () => {
  const [a, b] = connPair();
  await Promise.all([a.end(), b.end()]);
  await readAll(a);
  b.abort(reason);
  assert.equal(a.aborted, reason, "b had not read the end yet");
  const [c, d] = connPair();
  await Promise.all([c.end(), d.end(), readAll(c), readAll(d)]);
  c.abort(reason);
  assert.deepEqual([c.aborted, d.aborted, await c.read()], [undefined, undefined, undefined]);
});

test("Two reads at a time are a mistake that shows.", async () => {
  const [a, b] = connPair();
  const first = a.read();
  await assert.rejects(a.read(), /one read at a time/);
  await b.write(randomBytes(2));
  assert.equal((await first)?.length, 2);
});

test("Any chunks through any capacity arrive whole, never more than the capacity ahead of the reader.", async () => {
  const sizes = fc.array(fc.nat(50), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(sizes, fc.nat(100), async (chunkBytes, capacityBytes) => {
      const [a, b] = connPair({ capacityBytes });
      const chunks = chunkBytes.map((bytes, seed) => randomBytes(bytes, seed));
      const writing = writeAll(a, chunks);
      const got: Uint8Array[] = [];
      for (let chunk = await b.read(); chunk !== undefined; chunk = await b.read()) {
        assert.ok(a.acceptedBytes - b.readBytes <= capacityBytes);
        got.push(chunk);
      }
      await writing;
      assert.deepEqual(Buffer.concat(got), Buffer.concat(chunks));
    }),
  );
});

test("A reader and a writer of many chunks meet without a deadlock.", async () => {
  const [a, b] = connPair({ capacityBytes: 1000 });
  const [, got] = await Promise.all([writeAll(a, randomChunks(500_000, 5, 777)), readAll(b)]);
  assert.deepEqual(Buffer.from(got), Buffer.from(randomBytes(500_000, 5)));
});

/** Long enough for all that can happen without a new read or write to have happened. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}
