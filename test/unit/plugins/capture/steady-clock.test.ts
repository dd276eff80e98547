import assert from "node:assert/strict";
import { test } from "node:test";
import { steadyClock } from "../../../../plugins/capture/steady-clock.ts";

test("Asked again within one tick, or after the system's clock went back, it goes on by a nanosecond.", () => {
  const milliseconds = [5, 5, 4, 5.000_001, 6];
  const { now: real } = performance;
  performance.now = () => milliseconds.shift() ?? assert.fail("it was asked once too often");
  try {
    const now = steadyClock();
    const times = [now(), now(), now(), now(), now()];
    assert.deepEqual(
      times.slice(1).map((time, index) => time - (times[index] ?? 0n)),
      // The fourth is told the time that the second has had.
      [1n, 1n, 1n, 999_997n],
    );
  } finally {
    performance.now = real;
  }
});

test("The clock tells nanoseconds since 1970.", () => {
  const differenceMs = Math.abs(Number(steadyClock()() / 1_000_000n) - Date.now());
  assert.ok(differenceMs < 60_000, `${differenceMs} ms off`);
});
