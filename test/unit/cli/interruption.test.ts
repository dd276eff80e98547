import assert from "node:assert/strict";
import { test } from "node:test";
import { Interruption } from "../../../src/cli/interruption.ts";
import { PorthopError } from "../../../src/errors.ts";

/** Whoever runs the tests may ignore signals. */
const none: ReadonlySet<never> = new Set();

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 0],
  ["SIGHUP", 0],
] as const) {
  test(`The first ${signal} asks for a stop with the exit code ${code}, the second is in a hurry.`, async () => {
    const interruption = new Interruption(none);
    try {
      assert.deepEqual([interruption.stop.aborted, interruption.hurry.aborted], [false, false]);
      process.emit(signal);
      assert.equal(await interruption.requested, code);
      assert.deepEqual([interruption.stop.aborted, interruption.hurry.aborted], [true, false]);
      const reason: unknown = interruption.stop.reason;
      assert.ok(reason instanceof PorthopError);
      assert.deepEqual([reason.code, reason.message], ["cancelled", `stopped by ${signal}`]);
      process.emit(signal);
      assert.equal(interruption.hurry.aborted, true);
      process.emit(signal);
      assert.equal(interruption.stop.reason, reason, "the first reason stays");
    } finally {
      interruption.release();
    }
  });
}

test("The first signal decides the exit code, whichever comes second.", async () => {
  const interruption = new Interruption(none);
  try {
    process.emit("SIGTERM");
    process.emit("SIGINT");
    assert.equal(await interruption.requested, 0);
    assert.equal(interruption.hurry.aborted, true);
  } finally {
    interruption.release();
  }
});

test("Releasing takes away what was hung in, and nothing else.", () => {
  const other = () => {};
  process.on("SIGHUP", other);
  const count = () => (["SIGINT", "SIGTERM", "SIGHUP"] as const).map((signal) => process.listenerCount(signal));
  const before = count();
  const interruption = new Interruption(none);
  assert.deepEqual(
    count(),
    before.map((each) => each + 1),
  );
  interruption.release();
  interruption.release();
  assert.deepEqual(count(), before);
  assert.ok(process.listeners("SIGHUP").includes(other));
  process.removeListener("SIGHUP", other);
  assert.equal(interruption.stop.aborted, false);
});

test("Work that cannot be told to stop is given up at the first signal, with the signal as the reason.", async () => {
  const interruption = new Interruption(none);
  try {
    assert.equal(await interruption.orStop(Promise.resolve("done")), "done");
    const failed = new Error("of its own");
    await assert.rejects(interruption.orStop(Promise.reject(failed)), (error) => error === failed);
    const given = interruption.orStop(new Promise<never>(() => {}));
    process.emit("SIGTERM");
    await assert.rejects(given, { code: "cancelled", message: "stopped by SIGTERM" });
    await assert.rejects(interruption.orStop(new Promise<never>(() => {})), { code: "cancelled" });
  } finally {
    interruption.release();
  }
});

test("A signal that was ignored when porthop was started (nohup) is left ignored.", () => {
  const before = process.listenerCount("SIGHUP");
  const interruption = new Interruption(new Set(["SIGHUP"]));
  try {
    assert.equal(process.listenerCount("SIGHUP"), before);
    assert.ok(process.listenerCount("SIGTERM") > 0);
  } finally {
    interruption.release();
  }
});
