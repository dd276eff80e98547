import assert from "node:assert/strict";
import { test } from "node:test";
import { after, pause } from "../../../src/io/after.ts";

test("It resolves when the time is over.", async () => {
  const start = performance.now();
  await Promise.all([after(30), new Promise((resolve) => setTimeout(resolve, 60))]);
  assert.ok(performance.now() - start >= 29);
});

test("A pause lasts its time.", async () => {
  const start = performance.now();
  await pause(30, new AbortController().signal);
  assert.ok(performance.now() - start >= 29);
});

test("A pause ends at once when nobody waits for it any more, and listens to its signal no more after it.", async () => {
  const gone = AbortSignal.abort();
  await pause(3_600_000, gone);
  const stop = new AbortController();
  const listening = { now: 0 };
  const counted = {
    get aborted() {
      return stop.signal.aborted;
    },
    reason: undefined,
    addEventListener(type: "abort", told: () => void) {
      listening.now += 1;
      stop.signal.addEventListener(type, told);
    },
    removeEventListener(type: "abort", told: () => void) {
      listening.now -= 1;
      stop.signal.removeEventListener(type, told);
    },
  };
  await pause(1, counted);
  const long = pause(3_600_000, counted);
  assert.equal(listening.now, 1);
  stop.abort();
  await long;
  assert.equal(listening.now, 0);
});
