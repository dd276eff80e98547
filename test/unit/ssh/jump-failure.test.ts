import assert from "node:assert/strict";
import { test } from "node:test";
import { PorthopError } from "../../../src/errors.ts";
import { unreachableThrough } from "../../../src/ssh/jump-failure.ts";
import { channelRefused } from "../../../src/ssh/ssh-failure.ts";

const target = { host: "db", port: 22 };
const jump = { host: "gate", port: 2201, isJump: true };

/** What a session rejects with when its server refuses a channel. */
function refused(reason: number, text: string): PorthopError {
  const error = Object.assign(new Error(`(SSH) Channel open failure: ${text}`), { reason });
  return channelRefused(error, target, jump);
}

const meanings = [
  [refused(2, "Connection refused"), "ssh.unreachable", "Connection refused"],
  [refused(2, "No route to host"), "ssh.unreachable", "No route to host"],
  [refused(2, "Name or service not known"), "host.not-found", "it cannot resolve the name: Name or service not known"],
  [refused(1, "open failed"), "ssh.unreachable", "it does not forward to there (open failed)"],
  [refused(4, ""), "ssh.unreachable", "it does not forward to there (no reason given)"],
  [new Error("no answer within 5 s"), "ssh.unreachable", "no answer within 5 s"],
] as const;

for (const [error, code, how] of meanings) {
  test(`What a jump host says is told with both names: ${how}.`, () => {
    const told = unreachableThrough(error, target, jump);
    assert.equal(told.message, `cannot reach sshd at db:22 through the jump host gate:2201: ${how}`);
    assert.deepEqual([told.code, told.leg, told.exitCode], [code, 2, 255]);
    assert.notEqual(told.hint, "");
  });
}

test("Of a jump host behind another one both are called so.", () => {
  const told = unreachableThrough(refused(2, "Connection refused"), { ...target, isJump: true }, jump);
  assert.match(told.message, /^cannot reach the jump host db:22 through the jump host gate:2201: /);
});

test("A prohibition names the settings of the jump host.", () => {
  assert.match(unreachableThrough(refused(1, "open failed"), target, jump).hint, /AllowTcpForwarding, PermitOpen/);
});

test("A jump host that was lost meanwhile is what is told.", () => {
  const lost = new PorthopError("ssh.lost", "lost the session with the jump host gate:2201", { leg: 2 });
  assert.equal(unreachableThrough(lost, target, jump), lost);
});

test("Control characters of a jump host are shown escaped.", () => {
  const { message } = unreachableThrough(refused(2, "\u001b[2Jno\u0007"), target, jump);
  assert.ok(message.endsWith(": \\x1b[2Jno\\x07"), message);
});
