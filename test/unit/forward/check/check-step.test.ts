import assert from "node:assert/strict";
import { test } from "node:test";
import { PorthopError } from "../../../../src/errors.ts";
import { failed, skipped, tried, within } from "../../../../src/forward/check/check-step.ts";
import { refusal } from "../../../kit/refusal.ts";

const never = new AbortController().signal;
const place = { step: "target", forward: "L1", leg: 3 } as const;
const late = () => new PorthopError("target.unreachable", "too late");

test("A step that works says what it found, in whole milliseconds of its own counting.", async () => {
  const step = await tried(place, async () => ({ message: "reached", ms: 12.6 }), never);
  assert.deepEqual(step, { ...place, outcome: "ok", message: "reached", ms: 13 });
});

test("A step that fails is a result, on the leg that the error names.", async () => {
  const error = new PorthopError("target.prohibited", "not allowed", { leg: 2 });
  const step = await tried(place, () => Promise.reject(error), never);
  assert.deepEqual([step.outcome, step.leg, step.message, step.error], ["no", 2, "not allowed", error]);
  assert.equal(failed(place, new PorthopError("target.refused", "no"), 1).leg, 3);
  assert.deepEqual(skipped(place, "needs the login"), { ...place, outcome: "skip", message: "needs the login" });
});

test("Being told to stop ends a step, and so does a defect: neither is a result.", async () => {
  const stop = new AbortController();
  const stopped = tried(place, () => Promise.reject(late()), stop.signal);
  stop.abort(new PorthopError("cancelled", "stopped by SIGINT"));
  assert.equal((await refusal(stopped)).code, "cancelled");
  await assert.rejects(
    tried(place, () => Promise.reject(new TypeError("a defect")), never),
    TypeError,
  );
});

test("Work that does not end in time is late, and what it brings afterwards is thrown away.", async () => {
  const brought = Promise.withResolvers<string>();
  const leftOver = Promise.withResolvers<string>();
  const work = within(1, never, late, () => brought.promise, leftOver.resolve);
  assert.equal((await refusal(work)).message, "too late");
  brought.resolve("a connection");
  assert.equal(await leftOver.promise, "a connection");
});

test("Work that is told to stop ends as it was told, and what ends in time is handed on.", async () => {
  const stop = new AbortController();
  const work = within(60_000, stop.signal, late, () => new Promise<never>(() => {}), unwanted);
  stop.abort(new PorthopError("cancelled", "stopped"));
  assert.equal((await refusal(work)).code, "cancelled");
  assert.equal((await refusal(within(1, stop.signal, late, unwanted, unwanted))).code, "cancelled");
  assert.equal(await within(60_000, never, late, async () => "done", unwanted), "done");
});

function unwanted(): never {
  throw new Error("nobody wanted this");
}
