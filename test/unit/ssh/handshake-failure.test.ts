import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type HandshakePoint,
  handshakeFailure,
  isClosed,
  lostEarly,
  NoGreeting,
} from "../../../src/ssh/handshake-failure.ts";
import { DamagedPacket, Disconnected } from "../../../src/ssh/ssh2/inbound-fault.ts";

const peer = { host: "vishnu", port: 22 };
const start: HandshakePoint = { heard: "", isGreeted: false, isExchanged: false };
const greeted: HandshakePoint = { heard: "SSH-2.0-OpenSSH_9.2\r\n", isGreeted: true, isExchanged: false };
const exchanged: HandshakePoint = { ...greeted, isExchanged: true };
const reset = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET", level: "client-socket" });
const wrongHeader = new Error("Invalid identification string");

const heard = (text: string): HandshakePoint => ({ ...start, heard: text });

for (const [what, error, reached, code, message, hint] of [
  ["closed", lostEarly(), start, "ssh.lost", "closed the connection before its SSH greeting", /PerSourcePenalties/],
  ["reset", reset, start, "ssh.lost", "reset the connection before its SSH greeting", /MaxStartups/],
  [
    "full",
    lostEarly(),
    heard("Exceeded MaxStartups\r\n"),
    "ssh.lost",
    'turned the connection away: it said "Exceeded MaxStartups"',
    /wait a minute/,
  ],
  [
    "angry",
    reset,
    heard("Not allowed at this time\r\n"),
    "ssh.lost",
    'turned the connection away: it said "Not allowed at this time"',
    /wait a minute/,
  ],
  [
    "a web server",
    lostEarly(),
    heard("HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n"),
    "ssh.protocol",
    'does not speak SSH: it said "HTTP/1.1 400 Bad Request / Server: x"',
    /another service/,
  ],
  [
    "hostile",
    wrongHeader,
    heard("\u001b]0;pwned\u0007\u001b[2J"),
    "ssh.protocol",
    'does not speak SSH: it said "\\x1b]0;pwned\\x07\\x1b[2J"',
    /-p/,
  ],
  [
    "blank",
    new Error("Max greeting lines exceeded"),
    heard("\n\n"),
    "ssh.protocol",
    "does not speak SSH: it sends empty lines without end",
    /-p/,
  ],
  [
    "of 1995",
    wrongHeader,
    heard("SSH-1.5-1.2.27\n"),
    "ssh.protocol",
    "speaks SSH 1.5, and porthop only SSH 2.0",
    /renewed/,
  ],
  ["of 2095", wrongHeader, heard("SSH-9.9-x\r\n"), "ssh.protocol", "speaks SSH 9.9, and porthop only SSH 2.0", /-p/],
  [
    "nameless",
    wrongHeader,
    heard("SSH-2.0-\r\n"),
    "ssh.protocol",
    'sent an SSH greeting that is none: "SSH-2.0-"',
    /-p/,
  ],
  [
    "closed",
    lostEarly(),
    greeted,
    "ssh.lost",
    "closed the connection before the SSH handshake was done",
    /MaxStartups/,
  ],
  ["reset", reset, exchanged, "ssh.lost", "reset the connection during the login", /RefuseConnection/],
  [
    "leaving",
    new Disconnected(1, ""),
    greeted,
    "ssh.lost",
    "ended the connection before the SSH handshake was done: it gave no words (reason 1: this host may not connect)",
    /MaxStartups/,
  ],
  [
    "leaving",
    new Disconnected(2, "bye\u001b[2J"),
    exchanged,
    "ssh.lost",
    'ended the connection during the login: it said "bye\\x1b[2J" (reason 2: protocol error)',
    /log/,
  ],
] as const) {
  test(`A server that is ${what} is told: ${message}`, () => {
    const told = handshakeFailure(error, peer, reached);
    assert.deepEqual([told.code, told.leg, told.message], [code, 2, `vishnu:22 ${message}`]);
    assert.match(told.hint, hint);
  });
}

for (const [error, reached, code, message] of [
  [
    new Error("no answer within 30 s"),
    start,
    "ssh.protocol",
    "the SSH handshake with vishnu:22 failed: no answer within 30 s",
  ],
  [
    new Error("Handshake failed: no matching C->S cipher"),
    { ...greeted, heard: "Welcome to vishnu\r\nSSH-2.0-OpenSSH_9.2\r\n" },
    "ssh.protocol",
    "vishnu:22 and porthop have no algorithm in common: no matching C->S cipher",
  ],
  [
    new Error("Handshake failed: signature verification failed"),
    greeted,
    "ssh.protocol",
    "the SSH handshake with vishnu:22 failed: signature verification failed",
  ],
  [
    new DamagedPacket("its length makes no sense"),
    exchanged,
    "ssh.protocol",
    "a packet from vishnu:22 arrived damaged: its length makes no sense",
  ],
  [
    new Error("Inbound: Malformed USERAUTH_FAILURE packet"),
    exchanged,
    "ssh.lost",
    "lost the session with vishnu:22: the server sent a malformed USERAUTH_FAILURE",
  ],
] as const) {
  test(`A handshake that fails is told: ${message}`, () => {
    const told = handshakeFailure(error, peer, reached);
    assert.deepEqual([told.code, told.leg, told.message, told.cause], [code, 2, message, error]);
  });
}

test("Lines before the greeting are told when the connection is closed after it.", () => {
  const words = { ...greeted, heard: "one\r\n\r\ntwo\r\nthree\r\nfour\r\nSSH-2.0-x\r\n" };
  const { message } = handshakeFailure(lostEarly(), peer, words);
  assert.match(message, /was done; before its greeting it said "one \/ two \/ three"$/);
});

test("An end before the greeting is known by its cause, with what was said.", () => {
  for (const [words, said] of [
    ["", undefined],
    ["hello", '"hello"'],
    ["Exceeded MaxStartups\r\n", '"Exceeded MaxStartups"'],
  ] as const) {
    const { cause } = handshakeFailure(lostEarly(), peer, heard(words));
    assert.ok(cause instanceof NoGreeting);
    assert.equal(cause.said, said);
  }
  assert.equal(handshakeFailure(lostEarly(), peer, greeted).cause instanceof NoGreeting, false);
});

test("A connection that is gone is told from one that fails.", () => {
  const pipe = Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
  assert.deepEqual([lostEarly(), reset, pipe].map(isClosed), [true, true, true]);
  assert.deepEqual([wrongHeader, new Disconnected(11, ""), undefined].map(isClosed), [false, false, false]);
});

test("Whatever a server says is one line of bounded length, and never raw.", () => {
  const nasty = `\u001b[2J\u009b1m\u202e\r\nporthop: all is well ${"x".repeat(100_000)}`;
  for (const told of [
    handshakeFailure(new Error("x"), peer, heard(nasty)),
    handshakeFailure(new Error("x"), peer, heard(`SSH-${nasty}`)),
    handshakeFailure(new Error("x"), peer, heard(`SSH-${"9".repeat(100_000)}.9-x`)),
    handshakeFailure(new Error(nasty), peer, greeted),
    handshakeFailure(new Error(`no matching ${nasty}`), peer, greeted),
    handshakeFailure(new Disconnected(99, nasty), peer, exchanged),
  ]) {
    assert.match(told.message + told.hint, /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,600}$/u);
  }
});
