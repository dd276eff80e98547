import assert from "node:assert/strict";
import { test } from "node:test";
import { PorthopError } from "../../../../src/errors.ts";
import { failedAttempt } from "../../../../src/forward/uplink/failed-attempt.ts";

test("An error that nobody has foreseen is told as one of porthop's own, and all others as they are.", () => {
  const error = failedAttempt(new TypeError("no such thing"), false);
  assert.deepEqual([error.code, error.message], ["internal", "no session could be made: no such thing"]);
  const refused = new PorthopError("ssh.auth-failed", "no key was good enough");
  assert.equal(failedAttempt(refused, false), refused);
});

test("Where no file could be opened, a login without keys is no refusal; a changed host key stays one.", () => {
  const refused = new PorthopError("ssh.auth-failed", "no key was good enough", { hint: "make one" });
  const { code, message, hint } = failedAttempt(refused, true);
  assert.deepEqual(
    [code, message, hint],
    ["ssh.unreachable", "no key was good enough (too many open files)", "make one"],
  );
  assert.equal(failedAttempt(new Error("x"), true).code, "ssh.unreachable");
  for (const lasting of ["ssh.host-key-changed", "ssh.host-key-revoked", "ssh.host-key-unknown"] as const) {
    const error = new PorthopError(lasting, "it is another");
    assert.equal(failedAttempt(error, true), error);
  }
});
