import assert from "node:assert/strict";
import { test } from "node:test";
import { TransferPace } from "../../../../src/ssh/ssh2/transfer-pace.ts";
import { WindowLink } from "../../../../src/ssh/ssh2/window-link.ts";

const mebibyte = 1024 * 1024;

/** A direction in the test's hands: `pass` lets bytes pass and time go by, and tells whether a sample is over. */
function play(roundTripMs?: number) {
  const link = new WindowLink();
  if (roundTripMs !== undefined) link.measured(roundTripMs);
  const own = { smallArrivals: 0 };
  let [nowMs, all] = [0, 0];
  const pace = new TransferPace(link, own, () => nowMs);
  const pass = (bytes: number, ms: number) => {
    all += bytes;
    nowMs += ms;
    return pace.sample(all);
  };
  return { link, own, pace, pass };
}

test("A sample takes a round trip, and 10 ms where it is shorter or not known.", () => {
  for (const [roundTripMs, sampleMs] of [
    [undefined, 10],
    [0.3, 10],
    [50, 50],
  ] as const) {
    const { pass, pace } = play(roundTripMs);
    assert.equal(pass(mebibyte, sampleMs - 1), false);
    assert.equal(pass(mebibyte, 1), true);
    assert.equal(pace.bestBytesPerMs, (2 * mebibyte) / sampleMs);
    assert.equal(pass(0, sampleMs - 1), false);
  }
});

test("The best rate stays, the recent one follows, and both are never lost at once.", () => {
  const { pass, pace } = play();
  pass(10 * mebibyte, 10);
  assert.deepEqual([pace.bestBytesPerMs, pace.recentBytesPerMs], [mebibyte, mebibyte]);
  pass(0, 10);
  assert.deepEqual([pace.bestBytesPerMs, pace.recentBytesPerMs], [mebibyte, 0.75 * mebibyte]);
  for (let count = 0; count < 20; count++) pass(0, 10);
  assert.deepEqual([pace.bestBytesPerMs, pace.recentBytesPerMs], [mebibyte, mebibyte * 0.4]);
  pace.forget();
  assert.equal(pace.bestBytesPerMs, 0.75 * mebibyte);
  pass(7 * mebibyte, 10);
  pace.forget();
  assert.equal(pace.bestBytesPerMs, 0.7 * mebibyte);
});

test("Samples without a clearly higher rate are counted, and a higher one ends the count.", () => {
  const { pass, pace } = play();
  const counts = [10, 10.5, 10.5, 20, 20, 9].map((size) => {
    pass(size * mebibyte, 10);
    return pace.steadySamples;
  });
  assert.deepEqual(counts, [0, 1, 2, 0, 1, 2]);
});

test("A bulk transfer gives way for a second after small messages of others, not of its own.", () => {
  const { link, own, pass, pace } = play();
  pass(mebibyte, 10);
  assert.deepEqual([pace.isBulk, pace.givesWay], [true, false]);
  link.smallArrivals += 1;
  own.smallArrivals += 1;
  pass(mebibyte, 10);
  assert.equal(pace.givesWay, false);
  link.smallArrivals += 1;
  pass(mebibyte, 10);
  assert.equal(pace.givesWay, true);
  pass(99 * mebibyte, 990);
  assert.equal(pace.givesWay, true);
  pass(mebibyte, 10);
  assert.equal(pace.givesWay, false);
});

test("What carries little is no bulk transfer, and gives nobody way.", () => {
  const { link, pass, pace } = play();
  link.smallArrivals += 1;
  pass(1024, 10);
  assert.deepEqual([pace.isBulk, pace.givesWay], [false, false]);
});
