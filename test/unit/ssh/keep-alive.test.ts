import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { heedTraffic } from "../../../src/ssh/keep-alive.ts";

/** A session whose server is heard at these times; gives those at which the wait for an answer began again. */
function restarts(intervalMs: number, heardAtMs: readonly number[]): number[] {
  const clock = { ms: 0 };
  const again: number[] = [];
  const ports = { restartKeepAlive: () => void again.push(clock.ms) };
  const stream = new PassThrough();
  heedTraffic(ports, stream, intervalMs, () => clock.ms);
  for (const ms of heardAtMs) {
    clock.ms = ms;
    stream.emit("data", Buffer.from("x"));
  }
  return again;
}

test("Whatever comes from the server begins the wait for an answer again, and not for each chunk.", () => {
  assert.deepEqual(restarts(1000, [10, 249, 250, 251, 400, 500, 3000]), [250, 500, 3000]);
});

test("Where no answers are waited for there is nothing to begin again.", () => {
  assert.deepEqual(restarts(0, [10, 250, 100_000]), []);
});
