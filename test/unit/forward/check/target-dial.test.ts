import assert from "node:assert/strict";
import { test } from "node:test";
import { PorthopError } from "../../../../src/errors.ts";
import type { Dialed, Dialer } from "../../../../src/flow/conn.ts";
import { dialTarget, leaveTarget } from "../../../../src/forward/check/target-dial.ts";
import { connPair } from "../../../kit/memory-conn.ts";
import { refusal } from "../../../kit/refusal.ts";

const timeout = 10_000;
const never = new AbortController().signal;
const target = { host: "db", port: 5432 };

function dialerOf(dial: () => Promise<Dialed["conn"]>): Dialer {
  return { dial: async (to) => ({ conn: await dial(), leg: { from: undefined, to, observed: false } }) };
}

test("A target that does not answer in time is out of reach, and a late answer is thrown away.", {
  timeout,
}, async () => {
  const [conn, far] = connPair();
  const answer = Promise.withResolvers<typeof conn>();
  const error = await refusal(
    dialTarget(
      dialerOf(() => answer.promise),
      target,
      1,
      never,
    ),
  );
  assert.deepEqual([error.code, error.leg], ["target.unreachable", 3]);
  assert.equal(error.message, "the target db:5432 did not answer in 0.001 s");
  answer.resolve(conn);
  assert.equal((await refusal(far.read())).message, error.message);
});

test("A target that refuses is told as it was, and one that answers is handed on.", { timeout }, async () => {
  const refused = new PorthopError("target.refused", "db:5432 refused", { leg: 3 });
  const refusing = dialerOf(() => Promise.reject(refused));
  assert.equal(await refusal(dialTarget(refusing, target, 60_000, never)), refused);
  const [conn] = connPair();
  assert.equal(
    (
      await dialTarget(
        dialerOf(async () => conn),
        target,
        60_000,
        never,
      )
    ).conn,
    conn,
  );
});

test("Leave is taken with an end, and what the target says meanwhile is dropped.", { timeout }, async () => {
  const [conn, far] = connPair();
  const left = leaveTarget(conn);
  assert.equal(await far.read(), undefined);
  await far.write(Buffer.from("220 ready"));
  await far.end();
  await left;
  assert.equal(far.aborted, undefined);
});

test("From a target that does not end, or that broke, leave is taken too.", { timeout }, async () => {
  const [conn, deaf] = connPair();
  await leaveTarget(conn);
  assert.equal((deaf.aborted as PorthopError).code, "cancelled");
  const [broken, breaker] = connPair();
  breaker.abort(new PorthopError("target.unreachable", "reset"));
  await leaveTarget(broken, broken.read());
});
