import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { PorthopError } from "../../../../src/errors.ts";
import type { Progress } from "../../../../src/flow/event.ts";
import { SessionAttempt } from "../../../../src/forward/uplink/session-attempt.ts";
import { tellingTo } from "../../../kit/telling.ts";

const timeout = 10_000;
const connection: Progress = { done: "connection", local: undefined, remote: undefined };
const greeting: Progress = { done: "greeting", software: "x" };
const login: Progress = { done: "login", by: undefined };

function begin(signal: AbortSignal = new AbortController().signal) {
  const { bus } = tellingTo();
  const attempt = new SessionAttempt(signal, bus);
  return { attempt, step: (step: Progress) => bus.publish({ event: "progress", step }) };
}

function givenUp({ signal }: SessionAttempt): Promise<unknown> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(signal.reason)));
}

/** After a later timer of the same length. */
function past(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms + 20));
}

test("A doubted attempt that nobody answers is given up, at each host on the way.", { timeout }, async () => {
  const late = begin();
  late.attempt.doubt(5);
  late.step(connection);
  await givenUp(late.attempt);
  for (const steps of [[], [connection], [connection, greeting, login], [connection, greeting, login, connection]]) {
    const { attempt, step } = begin();
    for (const each of steps) step(each);
    const end = givenUp(attempt);
    attempt.doubt(5);
    attempt.doubt(1_000_000);
    const reason = await end;
    assert.ok(reason instanceof PorthopError);
    assert.deepEqual([reason.code, reason.leg], ["ssh.unreachable", 2]);
    attempt.over();
  }
});

test("It goes on when it gets an answer meanwhile, or when a person may be asked by now.", { timeout }, async () => {
  const answered = begin();
  answered.attempt.doubt(5);
  answered.step(connection);
  answered.step(greeting);
  const asked = begin();
  asked.step(connection);
  asked.step(greeting);
  asked.attempt.doubt(5);
  await past(5);
  assert.deepEqual([answered.attempt.signal.aborted, asked.attempt.signal.aborted], [false, false]);
});

test("It ends with the outer signal, and leaves nothing with it.", { timeout }, async () => {
  const stop = new AbortController();
  const { attempt } = begin(stop.signal);
  const over = begin(stop.signal);
  over.attempt.doubt(5);
  over.attempt.over();
  over.attempt.doubt(5);
  assert.equal(getEventListeners(stop.signal, "abort").length, 1);
  const reason = new Error("stopped");
  stop.abort(reason);
  assert.equal(attempt.signal.reason, reason);
  assert.equal(begin(stop.signal).attempt.signal.reason, reason);
  await past(5);
  assert.equal(over.attempt.signal.aborted, false);
});
