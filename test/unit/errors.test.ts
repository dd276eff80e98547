import assert from "node:assert/strict";
import { test } from "node:test";
import { type ErrorCode, PorthopError } from "../../src/errors.ts";

/** As the contract of the command line has them: each code with its exit code. That none is missing is held by the type. */
const contract: Readonly<Record<ErrorCode, number>> = {
  usage: 2,
  "config.invalid": 1,
  "plugin.invalid": 1,
  "plugin.not-found": 1,
  "plugin.failed": 1,
  "host.not-found": 255,
  "ssh.unreachable": 255,
  "ssh.lost": 255,
  "ssh.protocol": 255,
  "ssh.host-key-unknown": 255,
  "ssh.host-key-changed": 255,
  "ssh.host-key-revoked": 255,
  "ssh.auth-failed": 255,
  "listen.in-use": 255,
  "listen.denied": 255,
  "forward.refused": 255,
  "target.refused": 255,
  "target.unreachable": 255,
  "target.prohibited": 255,
  "file.cannot-write": 1,
  "file.cannot-read": 1,
  cancelled: 130,
  internal: 1,
};

test("The codes are those of the contract, each with its exit code and a hint on one line.", () => {
  for (const [code, exitCode] of Object.entries(contract)) {
    const error = new PorthopError(code as ErrorCode, "what happened");
    assert.equal(error.exitCode, exitCode, code);
    assert.match(error.hint, /^[^\n]{5,120}$/, code);
    assert.doesNotMatch(error.hint, /[.!]$/, "a hint is no sentence of its own");
  }
});

test("An error says what happened, and keeps what was given with it.", () => {
  const cause = new Error("inner");
  const error = new PorthopError("target.refused", "no luck", { hint: "try again", leg: 3, cause });
  assert.deepEqual(
    [error.name, error.code, error.message, error.hint, error.leg, error.cause, error.exitCode],
    ["PorthopError", "target.refused", "no luck", "try again", 3, cause, 255],
  );
  assert.ok(error instanceof Error);
  assert.equal(String(error), "PorthopError: no luck");
});

test("An error is the doing of the end that its leg leads to, unless it says whose.", () => {
  const by = ([1, 2, 3] as const).map((leg) => new PorthopError("ssh.lost", "gone", { leg }).by);
  assert.deepEqual(by, ["origin", "session", "target"]);
  assert.equal(new PorthopError("cancelled", "enough", { leg: 3, by: "plugin:cut" }).by, "plugin:cut");
  assert.equal(new PorthopError("cancelled", "enough").by, undefined);
});

test("Without a hint it is the code's own, and without a leg and a cause there are none.", () => {
  const error = new PorthopError("listen.in-use", "taken", { hint: undefined, leg: undefined, cause: undefined });
  assert.deepEqual(
    [error.hint, error.leg, error.cause, "cause" in error],
    ["pick another port", undefined, undefined, false],
  );
});
