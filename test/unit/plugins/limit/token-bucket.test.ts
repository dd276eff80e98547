import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Clock, TokenBucket } from "../../../../plugins/limit/token-bucket.ts";

interface Timer {
  readonly atMs: number;
  readonly wake: () => void;
}

/** A clock whose time passes only when a test says so; timers run in order, each at its own time. */
class FakeClock implements Clock {
  #nowMs = 1000;
  readonly #timers = new Set<Timer>();

  get timers(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#nowMs;
  }

  after(ms: number, wake: () => void): () => void {
    assert.ok(ms >= 0 && ms < 2 ** 31, `a timer of ${ms} ms`);
    const timer = { atMs: this.#nowMs + ms, wake };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  async pass(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settle();
    for (;;) {
      const due = [...this.#timers].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#nowMs = due.atMs;
      due.wake();
      await settle();
    }
    this.#nowMs = endMs;
    await settle();
  }
}

/** Lets everything that waits only for promises go on. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const never = new AbortController().signal;

/** A bucket whose takers may ask for all of its burst. */
function bucketOf(bytesPerSecond: number, burstBytes: number, clock: Clock): TokenBucket {
  return new TokenBucket({ rate: { bytesPerSecond, burstBytes, pieceBytes: burstBytes } }, clock);
}

/** Notes in `served` what was served, in order and with its time. */
function taking(bucket: TokenBucket, clock: Clock) {
  const served: [name: string, atMs: number][] = [];
  const take = (name: string, bytes: number, signal = never) =>
    bucket.take(bytes, signal).then(() => served.push([name, clock.now() - 1000]));
  return { served, take };
}

test("The burst passes at once, and nothing beyond it.", async () => {
  const clock = new FakeClock();
  const bucket = bucketOf(1000, 100, clock);
  const { served, take } = taking(bucket, clock);
  void take("a", 60);
  void take("b", 40);
  void take("c", 1);
  await settle();
  assert.deepEqual(
    served.map(([name]) => name),
    ["a", "b"],
  );
});

for (const [bytesPerSecond, bytes, ms] of [
  [1000, 10, 10],
  [1_000_000, 20_000, 20],
  [64_000, 1280, 20],
  [3, 1, 334],
  [10, 1, 100],
] as const) {
  test(`At ${bytesPerSecond} bytes per second ${bytes} bytes take ${ms} ms, and not one less.`, async () => {
    const clock = new FakeClock();
    const bucket = bucketOf(bytesPerSecond, bytes, clock);
    const { served, take } = taking(bucket, clock);
    await take("burst", bytes);
    void take("next", bytes);
    await clock.pass(ms - 1);
    assert.equal(served.length, 1);
    await clock.pass(1);
    assert.deepEqual(served.at(-1), ["next", ms]);
  });
}

test("Over a long time the rate is exact.", async () => {
  const clock = new FakeClock();
  const bucket = bucketOf(100_000, 10_000, clock);
  let passed = 0;
  const goOn = async () => {
    for (;;) {
      await bucket.take(777, never);
      passed += 777;
    }
  };
  void goOn();
  await clock.pass(60_000);
  const possible = 10_000 + 100 * 60_000;
  assert.ok(passed <= possible && passed > possible - 777, `${passed} of ${possible} bytes passed`);
});

test("Tokens that nobody takes are kept up to the burst and no further.", async () => {
  const clock = new FakeClock();
  const bucket = bucketOf(1000, 100, clock);
  const { served, take } = taking(bucket, clock);
  await take("burst", 100);
  await clock.pass(3_600_000);
  void take("again", 100);
  void take("more", 1);
  await settle();
  assert.deepEqual(
    served.map(([name]) => name),
    ["burst", "again"],
  );
});

test("Takers are served in turn, a small one never before a large one that came first.", async () => {
  const clock = new FakeClock();
  const bucket = bucketOf(1000, 100, clock);
  const { served, take } = taking(bucket, clock);
  await take("burst", 100);
  for (const [name, bytes] of [
    ["large", 100],
    ["small", 1],
    ["middle", 50],
  ] as const)
    void take(name, bytes);
  await clock.pass(200);
  assert.deepEqual(served.slice(1), [
    ["large", 100],
    ["small", 101],
    ["middle", 151],
  ]);
});

test("Who comes while others wait goes behind them, even when there are tokens for it.", async () => {
  const clock = new FakeClock();
  const bucket = bucketOf(1000, 100, clock);
  const { served, take } = taking(bucket, clock);
  await take("burst", 100);
  void take("first", 100);
  await clock.pass(50);
  void take("late", 10);
  await clock.pass(60);
  assert.deepEqual(served.slice(1), [
    ["first", 100],
    ["late", 110],
  ]);
});

test("Fifty takers that ask again and again share the rate evenly.", async () => {
  const clock = new FakeClock();
  const bucket = bucketOf(50_000, 1000, clock);
  const passed = Array.from({ length: 50 }, () => 0);
  const goOn = async (index: number) => {
    for (;;) {
      await bucket.take(100, never);
      passed[index] = (passed[index] ?? 0) + 100;
    }
  };
  for (const index of passed.keys()) void goOn(index);
  await clock.pass(10_000);
  const total = passed.reduce((sum, bytes) => sum + bytes, 0);
  assert.ok(total > 500_000 && total <= 501_000, `${total} bytes in ten seconds`);
  assert.ok(
    Math.max(...passed) - Math.min(...passed) <= 100,
    `shares from ${Math.min(...passed)} to ${Math.max(...passed)}`,
  );
});

test("A taker whose flow is aborted goes on at once, its tokens go to the next, and no timer is left behind.", async () => {
  const clock = new FakeClock();
  const bucket = bucketOf(1000, 100, clock);
  const { served, take } = taking(bucket, clock);
  const abort = new AbortController();
  await take("burst", 100);
  void take("aborted", 100, abort.signal);
  void take("next", 20);
  await clock.pass(10);
  abort.abort();
  await settle();
  assert.deepEqual(served.slice(1), [["aborted", 10]]);
  await clock.pass(10);
  assert.deepEqual(served.slice(2), [["next", 20]], "as if the other had never asked");
  assert.equal(clock.timers, 0);
});

test("An abort lets nobody overtake the one that was there first.", async () => {
  const clock = new FakeClock();
  const bucket = bucketOf(1000, 100, clock);
  const { served, take } = taking(bucket, clock);
  const abort = new AbortController();
  await take("burst", 100);
  void take("large", 100);
  void take("aborted", 10, abort.signal);
  void take("small", 10);
  await clock.pass(50);
  abort.abort();
  await clock.pass(60);
  assert.deepEqual(served.slice(1), [
    ["aborted", 50],
    ["large", 100],
    ["small", 110],
  ]);
});

test("The last taker that is aborted leaves no timer that would keep the program alive.", async () => {
  const clock = new FakeClock();
  const bucket = bucketOf(1, 100, clock);
  const abort = new AbortController();
  await bucket.take(100, never);
  const waiting = bucket.take(100, abort.signal);
  assert.equal(clock.timers, 1);
  abort.abort();
  await waiting;
  assert.equal(clock.timers, 0);
});

test("A flow that is aborted already takes no tokens from the others.", async () => {
  const clock = new FakeClock();
  const bucket = bucketOf(1000, 100, clock);
  const { served, take } = taking(bucket, clock);
  await take("dead", 100, AbortSignal.abort());
  await take("alive", 100);
  assert.deepEqual(served, [
    ["dead", 0],
    ["alive", 0],
  ]);
});

test("An abort after its taker was served changes nothing.", async () => {
  const clock = new FakeClock();
  const bucket = bucketOf(1000, 100, clock);
  const { served, take } = taking(bucket, clock);
  const abort = new AbortController();
  await take("burst", 100);
  void take("served", 50, abort.signal);
  await clock.pass(50);
  abort.abort();
  void take("next", 50);
  await clock.pass(50);
  assert.deepEqual(served.slice(1), [
    ["served", 50],
    ["next", 100],
  ]);
});

type Step = { readonly take: number; readonly aborted: boolean } | { readonly passMs: number };

test("Whatever is asked and aborted at whatever time, no more passes than the burst and the rate allow.", async () => {
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ take: fc.integer({ min: 1, max: 200 }), aborted: fc.boolean() }),
    fc.record({ passMs: fc.integer({ min: 0, max: 120 }) }),
  );
  const schedule = fc.record({
    bytesPerSecond: fc.integer({ min: 50, max: 20_000 }),
    moreBurst: fc.integer({ min: 0, max: 1000 }),
    steps: fc.array(step, { maxLength: 40 }),
  });
  await fc.assert(
    fc.asyncProperty(schedule, async ({ bytesPerSecond, moreBurst, steps }) => {
      const clock = new FakeClock();
      const burstBytes = 200 + moreBurst;
      const bucket = bucketOf(bytesPerSecond, burstBytes, clock);
      const wanted: number[] = [];
      const served: number[] = [];
      let passed = 0;
      let excess = 0;
      const takeOne = (bytes: number, aborted: boolean) => {
        const abort = new AbortController();
        const number = wanted.push(bytes) - 1;
        void bucket.take(bytes, abort.signal).then(() => {
          // Who was let go by its abort passes nothing, for its flow is over.
          if (!abort.signal.aborted) {
            served.push(number);
            passed += bytes;
          } else wanted[number] = 0;
          excess = Math.max(excess, passed - burstBytes - (bytesPerSecond * (clock.now() - 1000)) / 1000);
        });
        return aborted ? [abort] : [];
      };
      const aborts: AbortController[] = [];
      for (const each of steps) {
        if ("take" in each) aborts.push(...takeOne(each.take, each.aborted));
        else {
          await clock.pass(each.passMs);
          aborts.shift()?.abort();
          await settle();
        }
      }
      for (const abort of aborts) abort.abort();
      await settle();
      assert.deepEqual(
        served,
        served.toSorted((a, b) => a - b),
        "in turn",
      );
      const total = wanted.reduce((sum, bytes) => sum + bytes, 0);
      // No token is lost: all that was asked for passes in the time that it needs, plus a millisecond of rounding a taker.
      await clock.pass(Math.ceil(((total - passed) / bytesPerSecond) * 1000) + wanted.length + 1);
      assert.equal(passed, total);
      assert.ok(excess < 0.001, `${excess} bytes too many passed`);
      assert.equal(clock.timers, 0);
    }),
    { numRuns: 150 },
  );
});

test("A rate that changes holds from the next turn on, for those who wait too.", async () => {
  const clock = new FakeClock();
  const pace = { rate: { bytesPerSecond: 1000, burstBytes: 100, pieceBytes: 100 } };
  const bucket = new TokenBucket(pace, clock);
  const { served, take } = taking(bucket, clock);
  for (const name of ["a", "b", "c"]) void take(name, 100);
  await clock.pass(0);
  pace.rate = { bytesPerSecond: 10_000, burstBytes: 100, pieceBytes: 100 };
  await clock.pass(110);
  assert.deepEqual(served, [
    ["a", 0],
    ["b", 100],
    ["c", 110],
  ]);
});

test("A piece of a faster time does not wait for ever at a slow rate: it costs what a piece costs now.", async () => {
  const clock = new FakeClock();
  const pace = { rate: { bytesPerSecond: 1_000_000, burstBytes: 30_000, pieceBytes: 30_000 } };
  const bucket = new TokenBucket(pace, clock);
  const { served, take } = taking(bucket, clock);
  for (const name of ["a", "b", "c"]) void take(name, 30_000);
  await clock.pass(0);
  pace.rate = { bytesPerSecond: 10, burstBytes: 1, pieceBytes: 1 };
  void take("d", 1);
  await clock.pass(300);
  assert.deepEqual(
    served.map(([name]) => name),
    ["a", "b", "c", "d"],
  );
});
