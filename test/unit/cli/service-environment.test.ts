import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { serviceBehind, takeServiceEnvironment } from "../../../src/cli/service-environment.ts";

const pid = 812;
const socket = { NOTIFY_SOCKET: "/run/notify", PATH: "/bin" };

test("Without a service manager there is none, and nobody else's watchdog is kept.", () => {
  for (const environment of [{ PATH: "/bin" }, { PATH: "/bin", NOTIFY_SOCKET: "", WATCHDOG_USEC: "10000000" }]) {
    assert.equal(takeServiceEnvironment(environment, pid), undefined);
    assert.deepEqual(environment, { PATH: "/bin" });
  }
});

test("The programs that porthop starts see nothing of it, and the one that speaks to the manager sees all.", () => {
  const whole = { ...socket, WATCHDOG_USEC: "10000000", WATCHDOG_PID: String(pid) };
  const environment: NodeJS.ProcessEnv = { ...whole };
  const service = takeServiceEnvironment(environment, pid);
  assert.deepEqual(environment, { PATH: "/bin" });
  assert.deepEqual(service?.environment, whole);
});

for (const [what, watchdog, expected] of [
  ["no watchdog", {}, undefined],
  ["ten seconds", { WATCHDOG_USEC: "10000000" }, 5000],
  ["one's own pid", { WATCHDOG_USEC: "10000000", WATCHDOG_PID: "812" }, 5000],
  ["an empty pid", { WATCHDOG_USEC: "10000000", WATCHDOG_PID: "" }, 5000],
  ["the pid of another process", { WATCHDOG_USEC: "10000000", WATCHDOG_PID: "813" }, undefined],
  ["a pid that is text", { WATCHDOG_USEC: "10000000", WATCHDOG_PID: "me" }, undefined],
  ["half a second, the shortest", { WATCHDOG_USEC: "500000" }, 250],
  ["nothing", { WATCHDOG_USEC: "" }, undefined],
  ["zero", { WATCHDOG_USEC: "0" }, undefined],
  ["many zeros", { WATCHDOG_USEC: "0000" }, undefined],
  ["text", { WATCHDOG_USEC: "soon" }, undefined],
  ["less than nothing", { WATCHDOG_USEC: "-1" }, undefined],
  ["a broken number", { WATCHDOG_USEC: "1e9" }, undefined],
  ["the largest number of sd_notify", { WATCHDOG_USEC: "18446744073709551615" }, 2 ** 31 - 1],
  ["more digits than there can be", { WATCHDOG_USEC: "9".repeat(1000) }, undefined],
] as const) {
  test(`A watchdog of ${what} is told ${expected === undefined ? "never" : `each ${expected} ms`}, without a warning.`, () => {
    const service = takeServiceEnvironment({ ...socket, ...watchdog }, pid);
    assert.deepEqual([service?.watchdogMs, service?.warning], [expected, undefined]);
  });
}

test("A watchdog that nobody can keep is told as often as it can be, with a warning.", () => {
  const service = takeServiceEnvironment({ ...socket, WATCHDOG_USEC: "1" }, pid);
  assert.equal(service?.watchdogMs, 250);
  assert.match(service?.warning ?? "", /^WATCHDOG_USEC=1 is too short: at most 4 times a second /);
});

test("Whatever a watchdog is, its time is one that a timer can have.", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.bigInt({ min: 0n }).map(String)), (text) => {
      const ms = takeServiceEnvironment({ ...socket, WATCHDOG_USEC: text }, pid)?.watchdogMs;
      assert.ok(ms === undefined || (ms >= 250 && ms <= 2 ** 31 - 1), `${text}: ${ms}`);
    }),
  );
});

test("The process behind takes over the watchdog of the one in front, and nobody else's.", () => {
  const watched = { ...socket, WATCHDOG_USEC: "10000000" };
  const ours = { ...watched, WATCHDOG_PID: String(pid) };
  const behind = serviceBehind(ours, pid);
  assert.deepEqual(behind, watched);
  assert.equal(takeServiceEnvironment({ ...behind }, pid + 1)?.watchdogMs, 5000);
  assert.deepEqual(serviceBehind({ ...ours, WATCHDOG_PID: "7" }, pid), { ...ours, WATCHDOG_PID: "7" });
  assert.deepEqual(serviceBehind(watched, pid), watched);
});
