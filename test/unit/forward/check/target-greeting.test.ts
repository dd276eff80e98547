import assert from "node:assert/strict";
import { test } from "node:test";
import { PorthopError } from "../../../../src/errors.ts";
import { hearTarget } from "../../../../src/forward/check/target-greeting.ts";
import { connPair } from "../../../kit/memory-conn.ts";
import { refusal } from "../../../kit/refusal.ts";

const timeout = 10_000;
/** Nobody waits so long in a test: what ends earlier ends for a reason. */
const longMs = 60_000;

test("A target that speaks first is heard up to the end of its first line, in however many pieces.", {
  timeout,
}, async () => {
  const [conn, target] = connPair();
  const heard = hearTarget(conn, longMs);
  for (const piece of ["SSH-2.0-", "OpenSSH_9.2", "\r\nand more"]) await target.write(Buffer.from(piece));
  await target.end();
  assert.deepEqual(await heard, { text: "SSH-2.0-OpenSSH_9.2", ended: false });
});

test("Of a target whose words have no lines the beginning is enough.", { timeout }, async () => {
  const [conn, target] = connPair();
  const heard = hearTarget(conn, longMs);
  await target.write(Buffer.alloc(1000, 0xe9));
  await target.end();
  assert.deepEqual(await heard, { text: "é".repeat(120), ended: false });
});

test("A target that waits is told apart from one that hangs up and from one that breaks off.", {
  timeout,
}, async () => {
  const [waiting] = connPair();
  assert.deepEqual(await hearTarget(waiting, 1), { text: undefined, ended: false });
  const [conn, target] = connPair();
  await target.end();
  assert.deepEqual(await hearTarget(conn, longMs), { text: undefined, ended: true });
  const [other, broken] = connPair();
  broken.abort(new PorthopError("target.unreachable", "reset"));
  assert.equal((await refusal(hearTarget(other, longMs))).message, "reset");
});

test("Leave is taken with an end; only from a target that does not answer it the connection is torn away.", {
  timeout,
}, async () => {
  const [conn, target] = connPair();
  const heard = hearTarget(conn, 1);
  assert.equal(await target.read(), undefined, "our end comes before anything breaks");
  await target.end();
  await heard;
  assert.equal(target.aborted, undefined);
  const [other, deaf] = connPair();
  await hearTarget(other, 1);
  assert.equal((deaf.aborted as PorthopError).code, "cancelled");
});
