import assert from "node:assert/strict";
import { test } from "node:test";
import { serviceReport } from "../../../src/cli/service-report.ts";
import { PorthopError } from "../../../src/errors.ts";
import { Bus } from "../../../src/flow/bus.ts";
import type { Logger } from "../../../src/plugin.ts";
import { madeUpNotify, NotifySocket } from "../../kit/notify-socket.ts";
import { need } from "../../kit/packages.ts";
import { gone, withEnvironment } from "../../kit/processes.ts";
import { tempDirectory } from "../../kit/temp.ts";

const missing = need("systemd-notify", "perl");
const ready = { event: "ready", forwards: ["L1"] } as const;
const silent = "lost the session with vishnu:22: it stopped answering";

/** A porthop in this environment; `lines` is what it logs. */
function service(environment: NodeJS.ProcessEnv, isBehind = false) {
  const lines: string[] = [];
  const say = (text: string) => void lines.push(text);
  const log: Logger = { error: say, warn: say, info: say, debug: say, shows: () => true };
  const bus = new Bus();
  return { bus, lines, manager: serviceReport(environment, bus, log, isBehind) };
}

test("The manager hears of readiness, of an outage, of the stop and of the end, each at its time.", {
  skip: missing,
}, async () => {
  await using socket = await NotifySocket.open();
  const { bus, manager, lines } = service({ ...process.env, NOTIFY_SOCKET: socket.path });
  bus.publish(ready);
  await manager.announced;
  await socket.told.until(/^READY=1\|STATUS=1 forward ready$/m);
  bus.publish({ event: "reconnect", reason: silent, attempt: 1, inMs: 4000 });
  await socket.told.until(/^STATUS=1 forward ready; lost the session .*; trying again in 4 s$/m);
  manager.stops();
  await socket.told.until(/^STOPPING=1/m);
  bus.publish({ event: "reconnect", reason: "too late", attempt: 2, inMs: 4000 });
  await manager.ends(0);
  await socket.told.until(/STATUS=stopped/);
  assert.doesNotMatch(socket.told.text, /MAINPID|WATCHDOG|too late/);
  assert.deepEqual(lines, []);
});

test("An end that nobody asked for says why.", { skip: missing }, async () => {
  await using socket = await NotifySocket.open();
  const { bus, manager } = service({ ...process.env, NOTIFY_SOCKET: socket.path });
  bus.publish({ event: "error", error: new PorthopError("ssh.lost", silent) });
  await manager.ends(255);
  await socket.told.until(/^STOPPING=1\|STATUS=lost the session with vishnu:22: it stopped answering$/m);
});

test("Behind (-f) the manager hears which process is the service now.", { skip: missing }, async () => {
  await using socket = await NotifySocket.open();
  const { bus, manager } = service({ ...process.env, NOTIFY_SOCKET: socket.path }, true);
  bus.publish(ready);
  await manager.announced;
  await socket.told.until(new RegExp(`^READY=1\\|MAINPID=${process.pid}\\|STATUS=1 forward ready$`, "m"));
  await manager.ends(0);
});

test("The watchdog is told again and again, until the tunnel has ended.", { skip: missing }, async () => {
  await using socket = await NotifySocket.open();
  await using other = await NotifySocket.open();
  const threeTimes = /(?:WATCHDOG=1\s[\s\S]*){3}/;
  const { manager } = service({ ...process.env, NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: "1000" });
  await socket.told.until(threeTimes);
  await manager.ends(0);
  await socket.told.until(/STATUS=stopped/);
  const { notices } = socket;
  // A second porthop is the clock: while it lives for three more times, nothing is heard of the first one.
  const second = service({ ...process.env, NOTIFY_SOCKET: other.path, WATCHDOG_USEC: "1000" });
  await other.told.until(threeTimes);
  await second.manager.ends(0);
  assert.deepEqual(socket.notices, notices);
});

test("Without a service manager no program is started.", async () => {
  const { path, calls } = madeUpNotify("exit 0");
  const { bus, manager, lines } = service({ PATH: path, WATCHDOG_USEC: "1000" });
  bus.publish(ready);
  await manager.announced;
  manager.stops();
  await manager.ends(0);
  assert.deepEqual([calls(), lines], [[], []]);
});

test("Where there is no systemd-notify it is said once, and nothing waits.", async () => {
  const { bus, manager, lines } = service({ PATH: tempDirectory(), NOTIFY_SOCKET: "/run/notify" });
  bus.publish(ready);
  await manager.announced;
  manager.stops();
  await manager.ends(0);
  assert.deepEqual(lines, [
    "the service manager cannot be told how porthop is (NOTIFY_SOCKET): systemd-notify: there is no such program",
  ]);
});

test("A manager that cannot be reached is told of once, and tried again.", async () => {
  const { path, calls } = madeUpNotify("echo refused >&2; exit 1");
  const { bus, manager, lines } = service({ PATH: path, NOTIFY_SOCKET: "/run/notify" });
  bus.publish(ready);
  await manager.announced;
  await manager.ends(0);
  assert.deepEqual(calls(), ["READY=1 STATUS=1 forward ready", "STOPPING=1 STATUS=stopped"]);
  assert.deepEqual(lines, [
    "the service manager cannot be told how porthop is (NOTIFY_SOCKET): systemd-notify ended with code 1: refused",
  ]);
});

test("A systemd-notify that hangs holds the end for a moment only, and is gone then.", async () => {
  const { path, directory } = madeUpNotify("exec sleep 600");
  const environment = { PATH: path, NOTIFY_SOCKET: "/run/notify", PORTHOP_TEST_NOTIFY: directory };
  const { bus, manager, lines } = service(environment);
  bus.publish(ready);
  const began = performance.now();
  await manager.ends(0);
  assert.ok(performance.now() - began < 5500, "less than the time after which it is given up");
  await gone(withEnvironment(`PORTHOP_TEST_NOTIFY=${directory}`));
  assert.deepEqual(lines, []);
});
