import assert from "node:assert/strict";
import { test } from "node:test";
import { delayLine } from "../../../src/plugin/delay-line.ts";
import { broken, carryFlow, hanging, quiet, stateOf } from "../../kit/carried-flow.ts";
import { readAll, writeAll } from "../../kit/memory-conn.ts";
import { randomBytes, randomChunks } from "../../kit/random.ts";

const limits = { timeout: 20_000 };

/** A source that counts what was taken of it. */
class Source {
  taken = 0;
  ended = false;
  readonly #chunks: readonly Uint8Array[];
  readonly #last: Error | undefined;

  constructor(chunks: readonly Uint8Array[], last?: Error) {
    this.#chunks = chunks;
    this.#last = last;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (const chunk of this.#chunks) {
        this.taken += 1;
        yield chunk;
      }
      if (this.#last !== undefined) throw this.#last;
    } finally {
      this.ended = true;
    }
  }
}

const sized = (count: number, bytes: number): Uint8Array[] =>
  Array.from({ length: count }, () => new Uint8Array(bytes));

test(
  "Each chunk comes out its time after it went in, in order and as the very same memory, and so does the end.",
  limits,
  async () => {
    // So many that the sum of their delays, 12 s, cannot be mistaken for a machine that is slow.
    const chunks = sized(200, 10);
    const start = performance.now();
    const seen: [Uint8Array, number][] = [];
    for await (const chunk of delayLine(new Source(chunks), 60)) seen.push([chunk, performance.now() - start]);
    assert.deepEqual(
      seen.map(([chunk]) => chunks.indexOf(chunk)),
      chunks.map((_, index) => index),
    );
    const times = seen.map(([, ms]) => ms);
    // A timer may be early by less than a millisecond.
    assert.ok(Math.min(...times) >= 59, `the first came after ${times[0]} ms`);
    assert.ok(performance.now() - start < 59 * 100, "the delays are not added up");
  },
);

test("An end that comes later than the last chunk is delayed by itself.", limits, async () => {
  let end = () => {};
  const source = async function* () {
    yield new Uint8Array(1);
    await new Promise<void>((resolve) => {
      end = resolve;
    });
  };
  const line = delayLine(source(), 40);
  assert.equal((await line.next()).done, false);
  const over = line.next();
  assert.equal(await stateOf(over), "pending");
  const start = performance.now();
  end();
  assert.equal((await over).done, true);
  assert.ok(performance.now() - start >= 39);
});

test(
  "It holds so much and a chunk more, takes nothing in beyond that, and goes on when something has gone out.",
  limits,
  async () => {
    const source = new Source(sized(20, 4096));
    const line = delayLine(source, 1, 3 * 4096);
    await line.next();
    await quiet();
    assert.equal(source.taken, 4, "one is out, three are held");
    await line.next();
    await quiet();
    assert.equal(source.taken, 5);
    let rest = 0;
    for await (const _ of line) rest += 1;
    assert.equal(rest, 18);
  },
);

test("A chunk larger than all that it may hold passes, and small ones count for what they cost.", limits, async () => {
  const large = new Uint8Array(100_000);
  assert.equal((await delayLine(new Source([large]), 1, 10).next()).value, large);
  const source = new Source(sized(100, 1));
  const line = delayLine(source, 10_000, 10 * 1024);
  const waiting = line.next();
  await quiet();
  assert.equal(source.taken, 10);
  assert.equal(await stateOf(waiting), "pending");
});

test("What breaks is told at once, and what was held is lost with it.", limits, async () => {
  const reason = new Error("the cable was cut");
  const line = delayLine(new Source(sized(3, 10), reason), 1_000_000_000_000);
  await assert.rejects(line.next(), (error) => error === reason);
});

test("Who has enough leaves nothing behind that goes on reading.", limits, async () => {
  const source = new Source(sized(100, 4096));
  const line = delayLine(source, 1, 8192);
  await line.next();
  await line.return(undefined);
  await quiet();
  assert.equal(source.ended, true);
  const { taken } = source;
  await quiet();
  assert.equal(source.taken, taken);
});

test(
  "In a flow the answer is delayed, whole, and its end comes last; a peer that does not read still stops the sender.",
  limits,
  async () => {
    const { origin, target, outcome } = await carryFlow({
      capacityBytes: 10_000,
      middlewares: { delay: hanging((flow) => flow.down.pipe((chunks) => delayLine(chunks, 20, 50_000))) },
    });
    const writing = writeAll(target, randomChunks(500_000, 7, 1_000));
    await origin.end();
    assert.equal((await target.read()) ?? "the end", "the end");
    assert.equal(await stateOf(writing), "pending");
    assert.ok(target.acceptedBytes <= 10_000 * 2 + 50_000 + 3_000, `${target.acceptedBytes} bytes are under way`);
    assert.deepEqual(Buffer.from(await readAll(origin)), Buffer.from(randomBytes(500_000, 7)));
    await writing;
    assert.deepEqual(await outcome, { reason: "ended" });
  },
);

test("In a flow that breaks, or is cut, the line does not hold up anything.", limits, async () => {
  for (const by of ["origin", "target", "flow"] as const) {
    const carried = await carryFlow({
      middlewares: { delay: hanging((flow) => flow.up.pipe((chunks) => delayLine(chunks, 1_000_000))) },
    });
    await carried.origin.write(new Uint8Array(10));
    await quiet();
    const reason = broken(by === "target" ? 3 : 1);
    carried[by].abort(reason);
    assert.deepEqual(await carried.outcome, { reason: "aborted", error: reason });
  }
});

test("A later stage that has enough half-closes, and what still comes is read on and dropped.", limits, async () => {
  const { origin, target, outcome } = await carryFlow({
    middlewares: {
      delay: hanging((flow) => flow.up.pipe((chunks) => delayLine(chunks, 5))),
      first: hanging((flow) =>
        flow.up.pipe(async function* (chunks) {
          for await (const chunk of chunks) {
            yield chunk;
            return;
          }
        }),
      ),
    },
  });
  await origin.write(Buffer.from("first"));
  assert.equal(Buffer.from(await readAll(target)).toString(), "first");
  await quiet();
  for (let count = 0; count < 50; count++) await origin.write(new Uint8Array(10_000));
  await Promise.all([origin.end(), target.end(), readAll(origin)]);
  assert.deepEqual(await outcome, { reason: "ended" });
});

test("A line that may hold nothing still passes one chunk after the other.", limits, async () => {
  const seen: number[] = [];
  for await (const chunk of delayLine(new Source(sized(3, 10)), 1, 0)) seen.push(chunk.byteLength);
  assert.deepEqual(seen, [10, 10, 10]);
});

test(
  "The line of an aborted flow lets go at once, also when the source has ended and nothing is read.",
  limits,
  async () => {
    const reason = new Error("enough");
    for (const isEarly of [true, false]) {
      const abort = new AbortController();
      if (isEarly) abort.abort(reason);
      const line = delayLine(new Source(sized(1, 10)), 1_000_000, undefined, abort.signal);
      const refused = assert.rejects(line.next(), (error) => error === reason);
      await quiet();
      if (!isEarly) abort.abort(reason);
      await refused;
    }
  },
);
