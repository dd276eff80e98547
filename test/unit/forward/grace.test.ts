import assert from "node:assert/strict";
import { test } from "node:test";
import { Grace } from "../../../src/forward/grace.ts";

const never = new AbortController().signal;

test("It is over after its time, and not before.", async () => {
  const start = performance.now();
  await new Grace(30, never).over;
  assert.ok(performance.now() - start >= 29);
});

test("It is over at once when somebody is in a hurry, before it or while it lasts.", async () => {
  const hurry = new AbortController();
  const grace = new Grace(3_600_000, hurry.signal);
  hurry.abort();
  await grace.over;
  await new Grace(3_600_000, hurry.signal).over;
  grace.release();
});
