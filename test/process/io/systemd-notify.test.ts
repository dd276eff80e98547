import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { tellServiceManager } from "../../../src/io/systemd-notify.ts";
import { madeUpNotify, NotifySocket } from "../../kit/notify-socket.ts";
import { need } from "../../kit/packages.ts";
import { gone, withEnvironment } from "../../kit/processes.ts";
import { tempDirectory } from "../../kit/temp.ts";

const never = new AbortController().signal;
const missing = need("systemd-notify", "perl");

test("The manager hears the assignments as they are, in one notice.", { skip: missing }, async () => {
  await using manager = await NotifySocket.open();
  const environment = { ...process.env, NOTIFY_SOCKET: manager.path };
  assert.equal(await tellServiceManager(["READY=1", 'STATUS=2 forwards "ready"; é'], environment, never), undefined);
  assert.equal(await tellServiceManager(["STOPPING=1"], environment, never), undefined);
  await manager.told.until(/STOPPING/);
  assert.deepEqual(manager.notices, ['READY=1|STATUS=2 forwards "ready"; é', "STOPPING=1"]);
});

test("A manager that is gone is told with the program's own words.", { skip: missing }, async () => {
  const environment = { ...process.env, NOTIFY_SOCKET: join(tempDirectory(), "gone") };
  const failure = await tellServiceManager(["READY=1"], environment, never);
  assert.match(failure?.reason ?? "", /^systemd-notify ended with code 1: Failed to notify init system: No such file/);
  assert.equal(failure?.isFinal, false);
});

test("Where there is no such program there is no need to try again.", async () => {
  const failure = await tellServiceManager(["READY=1"], { PATH: tempDirectory() }, never);
  assert.deepEqual(failure, { reason: "systemd-notify: there is no such program", isFinal: true });
});

test("A PATH that leads to the working folder makes no program of that folder run.", async () => {
  const { directory, path, calls } = madeUpNotify("");
  const [before, socket] = [process.cwd(), join(directory, "no-manager")];
  process.chdir(directory);
  try {
    for (const PATH of ["", ".", ".:/usr/bin", ":/usr/bin", "/usr/bin::/bin", `../${basename(directory)}`]) {
      await tellServiceManager(["READY=1"], { PATH, NOTIFY_SOCKET: socket }, never);
      assert.deepEqual(calls(), [], PATH);
    }
    await tellServiceManager(["READY=1"], { PATH: path }, never);
    assert.deepEqual(calls(), ["READY=1"]);
  } finally {
    process.chdir(before);
  }
});

test("A failure says how the program ended, and what it says cannot act on a terminal.", async () => {
  const { path } = madeUpNotify("printf '\\033[2J%0300d' 0 >&2; exit 3");
  const failure = await tellServiceManager(["READY=1"], { PATH: path }, never);
  assert.match(failure?.reason ?? "", /^systemd-notify ended with code 3: \\x1b\[2J0{150,200}…$/);
  const killed = madeUpNotify("kill -TERM $$");
  const other = await tellServiceManager(["READY=1"], { PATH: killed.path }, never);
  assert.equal(other?.reason, "systemd-notify ended by SIGTERM");
});

/** A program that never ends by itself, told apart from those of other tests. */
function endless() {
  const { path, directory } = madeUpNotify("exec sleep 600");
  return {
    environment: { PATH: path, PORTHOP_TEST_NOTIFY: directory },
    running: () => withEnvironment(`PORTHOP_TEST_NOTIFY=${directory}`),
  };
}

test("A program that takes too long is killed.", async () => {
  const { environment, running } = endless();
  const failure = await tellServiceManager(["READY=1"], environment, never, 1000);
  assert.deepEqual(failure, { reason: "systemd-notify did not end within 1 s", isFinal: false });
  await gone(running());
});

test("A program that is in the way of the end is killed at once.", async () => {
  const { environment, running } = endless();
  const hurry = new AbortController();
  const told = tellServiceManager(["READY=1"], environment, hurry.signal, 600_000);
  hurry.abort();
  assert.notEqual(await told, undefined);
  await gone(running());
});

test("A program whose children keep its stderr open is not waited for.", async () => {
  const directory = tempDirectory();
  const { path } = madeUpNotify(`sleep 600 & echo $! >${directory}/pid; exit 1`);
  const failure = await tellServiceManager(["READY=1"], { PATH: path }, never);
  process.kill(Number(readFileSync(join(directory, "pid"), "utf8")), "SIGKILL");
  assert.equal(failure?.reason, "systemd-notify ended with code 1");
});
