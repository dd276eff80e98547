import assert from "node:assert/strict";
import { test } from "node:test";
import { Output } from "../../../src/cli/output.ts";
import { bannerReport, jsonExit, jsonReport, settingsReport, wordReport } from "../../../src/cli/report.ts";
import { PorthopError } from "../../../src/errors.ts";
import { Bus } from "../../../src/flow/bus.ts";
import type { BusEvent } from "../../../src/flow/event.ts";
import type { TunnelEvent } from "../../../src/plugin.ts";
import { type Written, written } from "../../kit/written.ts";

const info = new Output("info");
const debug = new Output("debug");

const refused = new PorthopError("target.refused", "the target db:5432 refused the connection from the server", {
  leg: 3,
  hint: "look there",
});
const origin = { host: "127.0.0.1", port: 33458 };
const target = { host: "db", port: 5432 };

function told(report: typeof jsonReport, event: BusEvent, output = info): Written {
  const bus = new Bus();
  report(bus, output);
  return written(() => bus.publish(event));
}

function jsonOf(event: TunnelEvent): Record<string, unknown> {
  const { stdout, stderr } = told(jsonReport, event);
  assert.equal(stderr, "");
  assert.match(stdout, /^[^\n]+\n$/, "one line");
  return JSON.parse(stdout) as Record<string, unknown>;
}

function wordsOf(event: TunnelEvent, output = info): string {
  const { stdout, stderr } = told(wordReport, event, output);
  assert.equal(stdout, "");
  return stderr;
}

const events: readonly (readonly [what: string, event: TunnelEvent, fields: object])[] = [
  [
    "A session that connects",
    { event: "session", id: "S1", state: "connecting", host: "vishnu", port: 22, user: "anna", attempt: 1 },
    { event: "session", id: "S1", state: "connecting", host: "vishnu", port: 22, user: "anna", attempt: 1 },
  ],
  [
    "A session that is ready",
    {
      event: "session",
      id: "S1",
      state: "ready",
      host: "vishnu",
      port: 22,
      user: "anna",
      attempt: 1,
      local: { host: "10.0.0.1", port: 33450 },
      remote: { host: "fe80::1", port: 22 },
      cipher: "aes128-gcm@openssh.com",
      kex: "curve25519-sha256",
      hostKey: "SHA256:abc",
    },
    {
      event: "session",
      id: "S1",
      state: "ready",
      host: "vishnu",
      port: 22,
      user: "anna",
      attempt: 1,
      local: "10.0.0.1:33450",
      remote: "[fe80::1]:22",
      cipher: "aes128-gcm@openssh.com",
      kex: "curve25519-sha256",
      hostKey: "SHA256:abc",
    },
  ],
  [
    "A listener",
    {
      event: "listening",
      forward: "L1",
      kind: "local",
      listen: { host: "127.0.0.1", port: 8080 },
      addresses: [
        { host: "127.0.0.1", port: 8080 },
        { host: "::1", port: 8080 },
      ],
      connect: { path: "/run/db.sock" },
      side: "here",
    },
    {
      event: "listening",
      forward: "L1",
      kind: "local",
      listen: "127.0.0.1:8080",
      addresses: ["127.0.0.1:8080", "[::1]:8080"],
      connect: "/run/db.sock",
      side: "here",
    },
  ],
  ["Readiness", { event: "ready", forwards: ["L1", "L2"] }, { event: "ready", forwards: ["L1", "L2"] }],
  [
    "A flow that opens",
    {
      event: "flow.open",
      flow: "L1#1",
      forward: "L1",
      origin,
      target,
      legs: [
        { leg: 1, from: origin, to: { host: "127.0.0.1", port: 8080 }, observed: true },
        {
          leg: 2,
          from: { host: "10.0.0.1", port: 33450 },
          to: { host: "10.0.0.2", port: 22 },
          observed: true,
          session: "S1",
        },
        { leg: 3, from: undefined, to: target, observed: false },
      ],
    },
    {
      event: "flow.open",
      flow: "L1#1",
      forward: "L1",
      origin: "127.0.0.1:33458",
      target: "db:5432",
      legs: [
        { leg: 1, from: "127.0.0.1:33458", to: "127.0.0.1:8080", observed: true },
        { leg: 2, from: "10.0.0.1:33450", to: "10.0.0.2:22", observed: true, session: "S1" },
        { leg: 3, to: "db:5432", observed: false },
      ],
    },
  ],
  [
    "A flow that ended",
    {
      event: "flow.close",
      flow: "L1#1",
      forward: "L1",
      origin,
      target,
      up: 12,
      down: 5_000_000_000,
      ms: 0,
      reason: "ended",
    },
    {
      event: "flow.close",
      flow: "L1#1",
      forward: "L1",
      origin: "127.0.0.1:33458",
      target: "db:5432",
      up: 12,
      down: 5_000_000_000,
      ms: 0,
      reason: "ended",
    },
  ],
  [
    "A flow that was refused",
    {
      event: "flow.close",
      flow: "L1#2",
      forward: "L1",
      origin: { path: "" },
      target,
      up: 0,
      down: 0,
      ms: 3,
      reason: "refused",
      error: refused,
    },
    {
      event: "flow.close",
      flow: "L1#2",
      forward: "L1",
      origin: "",
      target: "db:5432",
      up: 0,
      down: 0,
      ms: 3,
      reason: "refused",
      error: { code: "target.refused", message: refused.message, hint: "look there", leg: 3 },
    },
  ],
  [
    "A loss that is tried again",
    { event: "reconnect", reason: "lost the session with vishnu:22: it stopped answering", attempt: 1, inMs: 200 },
    { event: "reconnect", reason: "lost the session with vishnu:22: it stopped answering", attempt: 1, inMs: 200 },
  ],
  ["A flow that was held", { event: "held", flow: "L1#5", ms: 1200 }, { event: "held", flow: "L1#5", ms: 1200 }],
  [
    "A forward that moved",
    {
      event: "forward.moved",
      forward: "R1",
      listen: { host: "127.0.0.1", port: 41234 },
      was: { host: "127.0.0.1", port: 41200 },
    },
    { event: "forward.moved", forward: "R1", listen: "127.0.0.1:41234", was: "127.0.0.1:41200" },
  ],
  [
    "A forward that waits",
    { event: "forward.waiting", forward: "R1", reason: "port 41200 of the server is still taken" },
    { event: "forward.waiting", forward: "R1", reason: "port 41200 of the server is still taken" },
  ],
  [
    "An error of a flow",
    { event: "error", error: refused, flow: "L1#2" },
    {
      event: "error",
      code: "target.refused",
      message: refused.message,
      hint: "look there",
      leg: 3,
      flow: "L1#2",
    },
  ],
  [
    "An error of no leg and no flow",
    { event: "error", error: new PorthopError("usage", "no destination", { cause: new Error("inner") }) },
    { event: "error", code: "usage", message: "no destination", hint: "porthop --help shows what can be asked for" },
  ],
];

for (const [what, event, fields] of events) {
  test(`${what} is a JSON line with these fields, addresses as text: ${Object.keys(fields).join(", ")}.`, () => {
    const before = Date.now();
    const { time, ...rest } = jsonOf(event);
    assert.deepEqual(rest, fields);
    assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const told = Date.parse(String(time));
    assert.ok(told >= before && told <= Date.now());
  });
}

test("Every line begins with the event and the time, so that people can read along.", () => {
  for (const [, event] of events) assert.deepEqual(Object.keys(jsonOf(event)).slice(0, 2), ["event", "time"]);
});

test("The last line says the exit code.", () => {
  const { stdout } = written(() => jsonExit(info, 255));
  const { time: _time, ...rest } = JSON.parse(stdout) as Record<string, unknown>;
  assert.deepEqual(rest, { event: "exit", code: 255 });
});

test("No line holds anything that acts on a terminal, and its readers get every character all the same.", () => {
  const nasty = '\u0000\u001b[2J\u007f\u009b1m\u00ad\u200b\u202e\u2028\u2029\ufeff\u{e0041}\ud800 "\\ é 漢 🚢\r\n\t';
  const error = new PorthopError("internal", nasty, { hint: nasty });
  const event: TunnelEvent = { event: "error", error, flow: nasty };
  const { stdout } = told(jsonReport, event);
  assert.doesNotMatch(stdout.slice(0, -1), /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
  assert.ok(stdout.includes("é 漢 🚢"), "what is harmless stays readable");
  const { message, hint, flow } = JSON.parse(stdout) as Record<string, unknown>;
  assert.deepEqual([message, hint, flow], [nasty, nasty, nasty]);
});

test("A listener is told with all its addresses and its target.", () => {
  const listening = {
    event: "listening",
    forward: "L1",
    kind: "local",
    listen: { host: "127.0.0.1", port: 8080 },
    connect: target,
    side: "here",
  } as const;
  const one = [{ host: "127.0.0.1", port: 8080 }];
  const two = [...one, { host: "::1", port: 8080 }];
  assert.equal(wordsOf({ ...listening, addresses: one }), "L1 listening on 127.0.0.1:8080 -> db:5432\n");
  assert.equal(wordsOf({ ...listening, addresses: two }), "L1 listening on 127.0.0.1:8080 and [::1]:8080 -> db:5432\n");
  assert.equal(
    wordsOf({ ...listening, forward: "D1", kind: "dynamic", addresses: one, connect: undefined }),
    "D1 listening on 127.0.0.1:8080: SOCKS and HTTP proxy\n",
  );
});

test("A server that does not tell where it listens is claimed to listen on its port, and on no address.", () => {
  const listen = { host: "localhost", port: 3000 };
  const listening = { event: "listening", forward: "R1", listen, addresses: [], side: "server" } as const;
  const doubt = "the server listens on port 3000; on which of its addresses only it knows (porthop check tries)";
  assert.equal(wordsOf({ ...listening, kind: "remote", connect: target }), `R1 -> db:5432: ${doubt}\n`);
  assert.equal(
    wordsOf({ ...listening, kind: "reverse-dynamic", connect: undefined }),
    `R1 SOCKS and HTTP proxy: ${doubt}\n`,
  );
});

test("Readiness says how to stop it, except behind a program that has gone to the background.", () => {
  const ready: TunnelEvent = { event: "ready", forwards: ["L1"] };
  assert.equal(wordsOf(ready), "ready: press Ctrl-C to stop\n");
  process.env["PORTHOP_READY_FD"] = "3";
  try {
    assert.equal(wordsOf(ready), "ready\n");
  } finally {
    delete process.env["PORTHOP_READY_FD"];
  }
});

test("An error is its line and its hint, with the flow's name when it is one flow's.", () => {
  const lines = `${refused.message} [target.refused]\n  hint: look there\n`;
  assert.equal(wordsOf({ event: "error", error: refused }), `porthop: ${lines}`);
  assert.equal(wordsOf({ event: "error", error: refused, flow: "L1#2" }), `porthop: L1#2: ${lines}`);
});

test("What was negotiated is told for debugging only.", () => {
  const ready = events[1]?.[1];
  assert.ok(ready !== undefined);
  assert.equal(wordsOf(ready), "");
  assert.equal(
    wordsOf(ready, debug),
    "logged in to anna@vishnu:22 (curve25519-sha256, aes128-gcm@openssh.com, host key SHA256:abc)\n",
  );
  assert.match(wordsOf({ ...ready, hop: 2 } as TunnelEvent, debug), /^logged in to jump host 2, anna@vishnu:22 /);
});

test("An outage is told with its reason, its end with how long it took, and what is missed there for debugging only.", () => {
  const bus = new Bus();
  const clock = { ms: 0 };
  wordReport(bus, info, () => clock.ms);
  const session = { event: "session", id: "S1", host: "vishnu", port: 22, user: "anna" } as const;
  const { stderr } = written(() => {
    bus.publish({ ...session, state: "ready", attempt: 1 });
    clock.ms = 100_000;
    bus.publish({ ...session, state: "lost", attempt: 1, hop: 1 });
    bus.publish({ ...session, state: "lost", attempt: 1 });
    for (let attempt = 1; attempt <= 8; attempt++) {
      bus.publish({ event: "reconnect", reason: "cannot reach sshd at vishnu:22", attempt, inMs: 1500 });
      clock.ms += 1500;
    }
    bus.publish({ ...session, id: "S9", state: "ready", attempt: 1, hop: 1 });
    bus.publish({ ...session, id: "S9", state: "ready", attempt: 9 });
  });
  const line = "porthop: warning: cannot reach sshd at vishnu:22; trying again in 1.5 s\n";
  assert.equal(stderr, `${line.repeat(3)}connected again after 12 s (attempt 9)\n`);
});

test("A forward that moved says from where, by its port alone when that is all that changed.", () => {
  const moved = { event: "forward.moved", forward: "R1", listen: { host: "127.0.0.1", port: 41234 } } as const;
  const line = "R1 listening on 127.0.0.1:41234 of the server";
  assert.equal(wordsOf({ ...moved, was: { host: "127.0.0.1", port: 41200 } }), `${line} (was 41200)\n`);
  assert.equal(wordsOf({ ...moved, was: { host: "::1", port: 41234 } }), `${line} (was [::1]:41234)\n`);
});

test("A forward that waits is a warning, and a flow that was held is told for debugging.", () => {
  const waiting: TunnelEvent = { event: "forward.waiting", forward: "R1", reason: "its port is still taken" };
  assert.equal(wordsOf(waiting), "porthop: warning: R1: its port is still taken\n");
  const held: TunnelEvent = { event: "held", flow: "L1#5", ms: 1200 };
  assert.deepEqual([wordsOf(held), wordsOf(held, debug)], ["", "L1#5 waited 1.2 s for the session\n"]);
});

test("A server's words before the login are told line by line, without the empty ones at their end.", () => {
  const banner = { event: "banner", text: "Welcome\nto vishnu\n\n" } as const;
  assert.deepEqual(told(bannerReport, banner), { stdout: "", stderr: "Welcome\nto vishnu\n" });
});

test("What is of the inside is no event for others.", () => {
  for (const event of [
    { event: "banner", text: "Welcome" },
    { event: "progress", step: { done: "login", by: "password" } },
    { event: "wire", viewFor: () => assert.fail("nobody watches") },
  ] as const) {
    for (const report of [jsonReport, wordReport]) assert.deepEqual(told(report, event), { stdout: "", stderr: "" });
  }
});

test("Flows, and sessions that connect, are lost or closed, have no words here: others tell them.", () => {
  for (const [, event] of events) {
    const told = event.event === "session" ? event.state === "ready" : !event.event.startsWith("flow.");
    assert.equal(wordsOf(event, debug) !== "", told, event.event);
  }
  for (const state of ["lost", "closed"] as const) {
    assert.equal(wordsOf({ event: "session", id: "S1", state, host: "h", port: 22, user: "u", attempt: 1 }, debug), "");
  }
});

test("What is to be said of the settings is said before anything begins, and remarks with -v only.", () => {
  const remarks = { warnings: ["line 1: left out"], notes: ["line 2: passed over"], remarks: ["-y: not here"] };
  const said = (output: Output) => written(() => settingsReport(remarks, output)).stderr;
  assert.match(said(info), /line 1: left out\n.*-y: not here/);
  assert.doesNotMatch(said(info), /line 2/);
  assert.match(said(debug), /line 2: passed over/);
});
