import assert from "node:assert/strict";
import { test } from "node:test";
import { after } from "../../../src/io/after.ts";

test("It resolves when the time is over.", async () => {
  const start = performance.now();
  await Promise.all([after(30), new Promise((resolve) => setTimeout(resolve, 60))]);
  assert.ok(performance.now() - start >= 29);
});
