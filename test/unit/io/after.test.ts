import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { after, pause, unlessAborted } from "../../../src/io/after.ts";

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

test("Work is waited for until an abort, and whatever comes of it then is heard by nobody.", async () => {
  const stop = new AbortController();
  assert.equal(await unlessAborted(Promise.resolve(1), stop.signal), 1);
  await assert.rejects(unlessAborted(Promise.reject(new Error("no")), stop.signal), /no/);
  assert.deepEqual(getEventListeners(stop.signal, "abort"), []);
  const work = Promise.withResolvers<never>();
  const waiting = unlessAborted(work.promise, stop.signal);
  stop.abort(new Error("stopped"));
  await assert.rejects(waiting, /stopped/);
  await assert.rejects(unlessAborted(work.promise, stop.signal), /stopped/);
  work.reject(new Error("too late"));
});
