import assert from "node:assert/strict";
import { test } from "node:test";
import { type ErrorCode, PorthopError } from "../../../src/errors.ts";
import { proxyFailure } from "../../../src/forward/proxy-failure.ts";
import { channelRefused } from "../../../src/ssh/ssh-failure.ts";

const target = { host: "db", port: 5432 };
const peer = { host: "vishnu", port: 22 };

for (const [reason, text, failure] of [
  [1, "open failed", "prohibited"],
  [2, "Connection refused", "refused"],
  [2, "No route to host", "unreachable"],
  [2, "Name or service not known", "unreachable"],
  [2, "Connection timed out", "timed-out"],
  [3, "unknown channel type", "unsupported"],
  [4, "resource shortage", "shortage"],
  [77, "whatever", "failed"],
] as const) {
  test(`A channel refused with reason ${reason} (${text}) is ${failure} to a proxy's client.`, () => {
    const error = Object.assign(new Error(`(SSH) Channel open failure: ${text}`), { reason });
    assert.equal(proxyFailure(channelRefused(error, target, peer)), failure);
  });
}

for (const [code, errno, failure] of [
  ["target.refused", "ECONNREFUSED", "refused"],
  ["target.unreachable", "EHOSTUNREACH", "unreachable"],
  ["target.unreachable", "ETIMEDOUT", "timed-out"],
  ["target.unreachable", "EMFILE", "shortage"],
  ["host.not-found", undefined, "unreachable"],
  ["target.prohibited", undefined, "prohibited"],
  ["ssh.lost", undefined, "unavailable"],
  ["ssh.unreachable", "ETIMEDOUT", "unavailable"],
  ["plugin.failed", undefined, "failed"],
  ["cancelled", undefined, "failed"],
] as const satisfies readonly (readonly [ErrorCode, string | undefined, string])[]) {
  test(`${code} for ${errno ?? "no reason of the system's"} is ${failure} to a proxy's client.`, () => {
    const cause = errno === undefined ? undefined : Object.assign(new Error(errno), { code: errno });
    assert.equal(proxyFailure(new PorthopError(code, "a text", { cause })), failure);
  });
}
