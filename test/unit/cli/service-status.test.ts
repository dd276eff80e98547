import assert from "node:assert/strict";
import { test } from "node:test";
import { atStart, endText, stateAfter, statusText } from "../../../src/cli/service-status.ts";
import { PorthopError } from "../../../src/errors.ts";
import type { BusEvent } from "../../../src/flow/event.ts";

function session(state: "connecting" | "ready" | "lost" | "closed", id = "S1", more: object = {}): BusEvent {
  return { event: "session", id, state, host: "vishnu", port: 22, user: "anna", attempt: 1, ...more };
}

const ready: BusEvent = { event: "ready", forwards: ["L1", "R1"] };
const silent = "lost the session with vishnu:22: it stopped answering";

/** The status after each of the events. */
function story(...events: readonly BusEvent[]): readonly string[] {
  let state = atStart;
  return events.map((event) => {
    state = stateAfter(state, event);
    return statusText(state);
  });
}

test("A start says where it is.", () => {
  assert.equal(statusText(atStart), "starting");
  assert.deepEqual(story(session("connecting"), session("ready"), ready), [
    "connecting to vishnu ...",
    "logged in",
    "2 forwards ready",
  ]);
});

test("The way through a jump host says so, and its session is not the one that counts.", () => {
  const hop = { hop: 1, host: "gate" };
  const events = [
    session("connecting", "S1", hop),
    session("ready", "S1", hop),
    session("connecting", "S2"),
    session("ready", "S2"),
    ready,
    session("lost", "S1", hop),
  ];
  assert.deepEqual(story(...events), [
    "connecting to the jump host gate ...",
    "connecting to the jump host gate ...",
    "connecting to vishnu ...",
    "logged in",
    "2 forwards ready",
    "2 forwards ready",
  ]);
});

test("An outage says why, when it is tried again, and that it is tried.", () => {
  const events: BusEvent[] = [
    session("connecting"),
    session("ready"),
    ready,
    session("lost"),
    { event: "reconnect", reason: silent, attempt: 1, inMs: 4000 },
    session("connecting", "S2", { attempt: 3 }),
    session("ready", "S2"),
  ];
  assert.deepEqual(story(...events).slice(2), [
    "2 forwards ready",
    "lost the session",
    `${silent}; trying again in 4 s`,
    "connecting to vishnu (attempt 3) ...",
    "2 forwards ready",
  ]);
});

test("While another session stands the forwards are ready.", () => {
  const events: BusEvent[] = [
    session("ready"),
    session("ready", "S2"),
    ready,
    session("lost"),
    { event: "reconnect", reason: silent, attempt: 1, inMs: 200 },
    session("ready", "S3"),
    session("closed", "S2"),
    session("closed", "S3"),
  ];
  assert.deepEqual(story(...events).slice(2), [
    "2 forwards ready",
    "2 forwards ready",
    `2 forwards ready; ${silent}; 1 other session goes on; trying again in 0.2 s`,
    "2 forwards ready",
    "2 forwards ready",
    "lost the session",
  ]);
});

test("A relay has no session, and a session alone no forwards.", () => {
  assert.deepEqual(story({ event: "ready", forwards: ["L1"] }), ["1 forward ready"]);
  assert.deepEqual(story(session("ready"), { event: "ready", forwards: [] }), ["logged in", "connected"]);
});

test("Flows change nothing.", () => {
  const error = new PorthopError("target.refused", "the target refused");
  assert.deepEqual(story(ready, { event: "error", error, flow: "L1#1" }, { event: "held", flow: "L1#1", ms: 3 }), [
    "2 forwards ready",
    "2 forwards ready",
    "2 forwards ready",
  ]);
});

test("The last line is why it ended.", () => {
  const error = new PorthopError("ssh.unreachable", "cannot reach sshd at vishnu:22");
  const failed = stateAfter(atStart, { event: "error", error });
  assert.equal(endText(failed, 255), "cannot reach sshd at vishnu:22");
  assert.equal(endText(stateAfter(atStart, { event: "error", error, flow: "L1#1" }), 3), "ended with exit code 3");
  for (const code of [0, 130]) assert.equal(endText(failed, code), "stopped");
});

test("Names and reasons from outside stay on their line.", () => {
  const nasty = "a\nREADY=1\u001b[2J";
  const error = new PorthopError("internal", nasty);
  const shown = [
    ...story(session("connecting", "S1", { host: nasty }), {
      event: "reconnect",
      reason: nasty,
      attempt: 1,
      inMs: 1,
    }),
    endText(stateAfter(atStart, { event: "error", error }), 1),
  ];
  for (const line of shown) assert.match(line, /a\\nREADY=1\\x1b\[2J/);
});
