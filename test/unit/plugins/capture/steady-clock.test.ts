import assert from "node:assert/strict";
import { test } from "node:test";
import { steadyClock } from "../../../../plugins/capture/steady-clock.ts";

test("The clock never stands still and never goes back, however fast it is asked.", () => {
  const now = steadyClock();
  let last = now();
  for (let count = 0; count < 200_000; count++) {
    const next = now();
    if (next <= last) assert.fail(`${next} came after ${last}`);
    last = next;
  }
});

test("The clock tells nanoseconds since 1970.", () => {
  const differenceMs = Math.abs(Number(steadyClock()() / 1_000_000n) - Date.now());
  assert.ok(differenceMs < 60_000, `${differenceMs} ms off`);
});
