import assert from "node:assert/strict";
import { test } from "node:test";
import { type ErrorCode, PorthopError } from "../../../src/errors.ts";
import {
  channelRefused,
  isEndOfTries,
  listenRefused,
  lost,
  openFailureOf,
  openRefusal,
  Unanswered,
  unreachable,
} from "../../../src/ssh/ssh-failure.ts";
import { DamagedPacket, Disconnected } from "../../../src/ssh/ssh2/inbound-fault.ts";

const peer = { host: "vishnu", port: 22 };
const ipv6 = { host: "fe80::1", port: 2222 };
const target = { host: "db.internal", port: 5432 };

/** An error as the kernel or ssh2 makes it. */
function failed(message: string, more: object = {}): Error {
  return Object.assign(new Error(message), more);
}

function refusedOpen(reason: number | string | undefined, text = "") {
  return failed(`(SSH) Channel open failure: ${text}`, { reason });
}

interface Expected {
  readonly code: ErrorCode;
  readonly leg: 2 | 3;
  readonly message: string;
  readonly hint?: RegExp;
}

function assertTold(error: PorthopError, expected: Expected, cause: unknown): void {
  assert.deepEqual([error.code, error.leg, error.message], [expected.code, expected.leg, expected.message]);
  assert.match(error.hint, expected.hint ?? /\S/);
  assert.equal(error.cause, cause);
}

for (const [error, how, hint] of [
  [failed("connect ECONNREFUSED", { code: "ECONNREFUSED" }), "connection refused", /no program listens there/],
  [failed("connect ETIMEDOUT", { code: "ETIMEDOUT" }), "connection timed out", /firewall/],
  [failed("connect EHOSTUNREACH", { code: "EHOSTUNREACH" }), "no route to host", /firewall/],
  [failed("the connection was closed at once"), "the connection was closed at once", /firewall/],
] as const) {
  test(`A TCP connection that fails is sshd out of reach: ${how}.`, () => {
    const told = { code: "ssh.unreachable", leg: 2, message: `cannot reach sshd at vishnu:22: ${how}`, hint } as const;
    assertTold(unreachable(error, peer), told, error);
  });
}

test("Who is accepted and reset at once was turned away, which counts as a lost connection.", () => {
  const reset = failed("connect ECONNRESET", { code: "ECONNRESET" });
  const message = "cannot reach sshd at vishnu:22: connection reset by peer";
  assertTold(unreachable(reset, peer), { code: "ssh.lost", leg: 2, message, hint: /firewall/ }, reset);
});

test("IPv6 stands in brackets.", () => {
  assert.match(unreachable(failed("x"), ipv6).message, /^cannot reach sshd at \[fe80::1\]:2222: /);
});

test("What was told already while dialing keeps its words, and belongs to leg 2.", () => {
  const cause = new Error("ENOTFOUND");
  const dialed = new PorthopError("host.not-found", "no such host vishnu", { hint: "check it", cause, leg: 3 });
  const told = unreachable(dialed, peer);
  assertTold(told, { code: "host.not-found", leg: 2, message: "no such host vishnu", hint: /^check it$/ }, cause);
});

test("A lost session says how it was lost.", () => {
  const message = (how: string) => `lost the session with vishnu:22: ${how}`;
  assertTold(
    lost(undefined, peer),
    { code: "ssh.lost", leg: 2, message: message("the connection was closed") },
    undefined,
  );
  const reset = failed("read ECONNRESET", { code: "ECONNRESET", level: "client-socket" });
  assertTold(lost(reset, peer), { code: "ssh.lost", leg: 2, message: message("connection reset by peer") }, reset);
  const silent = new Unanswered("no sign of life");
  const told = {
    code: "ssh.lost",
    leg: 2,
    message: message("it stopped answering"),
    hint: /ServerAliveInterval/,
  } as const;
  assertTold(lost(silent, peer), told, silent);
  const stalled = message("it asks and does not read the answers");
  assert.equal(lost(silent, peer, true).message, stalled);
  assert.notEqual(lost(reset, peer, true).message, stalled, "a line that broke is a line that broke");
  const malformed = failed("Inbound: Malformed CHANNEL_DATA packet");
  assert.equal(lost(malformed, peer).message, message("the server sent a malformed CHANNEL_DATA"));
  const strange = failed("Inbound: Received unexpected payload type 61");
  assert.equal(lost(strange, peer).message, message("the server sent unexpected payload type 61"));
});

test("A damaged packet and a goodbye are told as such, and not as a network that failed.", () => {
  const damage = new DamagedPacket("its authentication code is wrong");
  const damaged = "lost the session with vishnu:22: a packet from it arrived damaged: its authentication code is wrong";
  assertTold(lost(damage, peer), { code: "ssh.lost", leg: 2, message: damaged, hint: /changes the data/ }, damage);
  const goodbye = new Disconnected(12, "come later");
  const ended = 'vishnu:22 ended the session: it said "come later" (reason 12: too many connections)';
  assertTold(lost(goodbye, peer), { code: "ssh.lost", leg: 2, message: ended, hint: /log/ }, goodbye);
});

test("A server that has had enough failed logins is known by its words or by its reason.", () => {
  for (const [reason, text, is] of [
    [2, "Too many authentication failures", true],
    [2, "Too many authentication failures for root", true],
    [14, "", true],
    [12, "", false],
    [2, "too many connections", false],
  ] as const) {
    assert.equal(isEndOfTries(new Disconnected(reason, text)), is, `${reason} ${text}`);
  }
  assert.equal(isEndOfTries(failed("Too many authentication failures")), false);
});

const opens: readonly (readonly [reason: number | string | undefined, text: string, expected: Expected])[] = [
  [
    1,
    "open failed",
    {
      code: "target.prohibited",
      leg: 2,
      message: "vishnu:22 prohibits forwarding to db.internal:5432 (reason 1: open failed)",
      hint: /AllowTcpForwarding/,
    },
  ],
  [
    2,
    "Connection refused",
    { code: "target.refused", leg: 3, message: "the target db.internal:5432 refused the connection from the server" },
  ],
  [
    2,
    "connect failed: Connection refused",
    { code: "target.refused", leg: 3, message: "the target db.internal:5432 refused the connection from the server" },
  ],
  [
    2,
    "connect ECONNREFUSED 127.0.0.1:5432",
    { code: "target.refused", leg: 3, message: "the target db.internal:5432 refused the connection from the server" },
  ],
  ...[
    "Name or service not known",
    "nodename nor servname provided",
    "unknown host (Temporary failure in name resolution)",
    "No address associated with hostname",
  ].map(
    (text) =>
      [
        2,
        text,
        {
          code: "target.unreachable",
          leg: 3,
          message: `the server cannot resolve the target's name db.internal:5432: ${text}`,
          hint: /looked up on the server/,
        },
      ] as const,
  ),
  ...["Connection timed out", "No route to host", "Network is unreachable", "open failed"].map(
    (text) =>
      [
        2,
        text,
        { code: "target.unreachable", leg: 3, message: `the server cannot reach the target db.internal:5432: ${text}` },
      ] as const,
  ),
  [
    2,
    "",
    {
      code: "target.unreachable",
      leg: 3,
      message: "the server cannot reach the target db.internal:5432: no reason given",
    },
  ],
  [
    3,
    "unknown channel type",
    {
      code: "target.prohibited",
      leg: 2,
      message: "vishnu:22 does not know this kind of forward (reason 3: unknown channel type)",
    },
  ],
  [
    4,
    "too many",
    {
      code: "target.prohibited",
      leg: 2,
      message: "vishnu:22 is short of resources (reason 4: too many)",
      hint: /too many channels/,
    },
  ],
  [
    77,
    "just so",
    {
      code: "target.prohibited",
      leg: 2,
      message: "vishnu:22 did not open a channel to db.internal:5432 (reason 77: just so)",
    },
  ],
  [
    "",
    "",
    {
      code: "target.prohibited",
      leg: 2,
      message: "vishnu:22 did not open a channel to db.internal:5432 (no reason given)",
    },
  ],
  [
    undefined,
    "No response from server",
    { code: "ssh.lost", leg: 2, message: "the session with vishnu:22 ended while connecting to db.internal:5432" },
  ],
];

for (const [reason, text, expected] of opens) {
  test(`A channel refused for reason ${JSON.stringify(reason)} with "${text}" is told: ${expected.message}`, () => {
    const error = refusedOpen(reason, text);
    assertTold(channelRefused(error, target, peer), expected, error);
  });
}

test("A unix socket as the target is named by its path.", () => {
  const told = channelRefused(refusedOpen(2, "Connection refused"), { path: "/run/db.sock" }, peer);
  assert.equal(told.message, "the target /run/db.sock refused the connection from the server");
});

test("A unix socket that the server does not reach is no name that it would have to resolve.", () => {
  const told = channelRefused(refusedOpen(2, "open failed"), { path: "/run/db.sock" }, peer);
  assert.equal(told.message, "the server cannot reach the target /run/db.sock: open failed");
  assert.match(told.hint, /no socket at this path that its user may open, or AllowStreamLocalForwarding/);
});

test("Whatever a server says is shown on one line of bounded length, and never sent to a terminal.", () => {
  const nasty = `\u001b[2J\u009b1m\u202e\r\nporthop: all is well ${"x".repeat(100_000)}`;
  const told = [
    ...[1, 2, 3, 4, 5].map((reason) => channelRefused(refusedOpen(reason, nasty), target, peer)),
    lost(new Disconnected(2, nasty), peer),
    lost(failed(nasty), peer),
  ];
  for (const { message, hint } of told) {
    assert.doesNotMatch(message + hint, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    assert.ok(message.length < 400, `${message.length} characters`);
  }
});

test("The reason of RFC 4254 stays with the error, and other errors have none.", () => {
  const error = channelRefused(refusedOpen(4, "too many"), target, peer);
  assert.deepEqual(openFailureOf(error), { reason: 4, text: refusedOpen(4, "too many").message });
  assert.equal(openFailureOf(lost(undefined, peer)), undefined);
  assert.equal(openFailureOf(new PorthopError("internal", "x", { cause: { reason: 4 } })), undefined);
});

for (const [wanted, where, hint, not] of [
  [
    { host: "localhost", port: 8080 },
    "localhost:8080",
    /the port is taken .*"ss -ltn".*port 0.*AllowTcpForwarding, PermitListen/,
    /root/,
  ],
  [{ host: "*", port: 80 }, "*:80", /the port is taken.*PermitListen.*root/, /StreamLocal/],
  [{ host: "localhost", port: 0 }, "localhost:0", /forbidden by AllowTcpForwarding, PermitListen/, /taken/],
  [{ path: "/run/a.sock" }, "/run/a.sock", /there already.*StreamLocalBindUnlink/, /PermitListen/],
] as const) {
  test(`A server that does not listen on ${where} does not say why: all that it may be is told.`, () => {
    const error = failed("Unable to bind");
    const message = `the server vishnu:22 did not listen on ${where}`;
    const told = listenRefused(error, wanted, peer);
    assert.deepEqual([told.code, told.leg, told.message, told.cause], ["forward.refused", 1, message, error]);
    assert.match(told.hint, hint);
    assert.doesNotMatch(told.hint, not);
  });
}

for (const [code, cause, refusal] of [
  ["target.refused", { code: "ECONNREFUSED" }, { reason: 2, text: "Connection refused" }],
  ["target.unreachable", { code: "EHOSTUNREACH" }, { reason: 2, text: "no route to host" }],
  ["target.unreachable", undefined, { reason: 2, text: "Connection failed" }],
  ["host.not-found", undefined, { reason: 2, text: "Connection failed" }],
  ["target.unreachable", { code: "EMFILE" }, { reason: 4, text: "too many open files" }],
  ["target.prohibited", undefined, { reason: 1, text: "open failed" }],
  ["plugin.failed", undefined, { reason: 1, text: "open failed" }],
  ["cancelled", undefined, { reason: 1, text: "open failed" }],
] as const) {
  test(`To the server ${code} of ${cause?.code ?? "no errno"} is reason ${refusal.reason}, "${refusal.text}".`, () => {
    const secret = new PorthopError(code, "plugin guard refused /home/anna: no", { cause: failed("x", cause) });
    assert.deepEqual(openRefusal(secret), refusal);
  });
}
