import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { need } from "../../kit/packages.ts";
import {
  currentUser,
  descendants,
  gone,
  isAlive,
  killBelow,
  killTree,
  send,
  withEnvironment,
} from "../../kit/processes.ts";
import { run } from "../../kit/run.ts";

const missing = need("sh", "id");

test("Children and their children are found, and all die with the tree.", { skip: missing }, async () => {
  const child = spawn("sh", ["-c", "sh -c 'sleep 1000 & echo $!; wait' & wait"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const pid = child.pid ?? 0;
  const [text] = (await once(child.stdout, "data")) as [Buffer];
  const sleeper = Number(text.toString());
  const below = descendants(pid);
  assert.equal(below.length, 2);
  assert.equal(below[1], sleeper, "parents come before their children");
  const closed = once(child, "close");
  assert.deepEqual(killTree(pid), [...below, pid]);
  await closed;
  await gone([pid, ...below]);
  assert.deepEqual([pid, ...below].filter(isAlive), []);
});

const noProc = process.platform === "linux" ? missing : "needs /proc";
test("A process is found by its environment, even after its parent is gone.", { skip: noProc }, async () => {
  const entry = `PORTHOP_TEST_PROCESSES=${process.pid}`;
  const [name = "", value] = entry.split("=");
  const env = { ...process.env, [name]: value };
  const started = await run("sh", ["-c", "sleep 1000 >/dev/null 2>&1 & echo $!"], { env });
  const sleeper = Number(started.stdout);
  assert.deepEqual(withEnvironment(entry), [sleeper]);
  assert.deepEqual(descendants(process.pid).includes(sleeper), false);
  send([sleeper], "SIGKILL");
  await gone([sleeper]);
});

test("A process whose parent ends while it is being stopped is killed, and does not stay stopped for ever.", {
  skip: missing,
}, async () => {
  const child = spawn("sh", ["-c", "exec sleep 1000"]);
  const { pid = 0 } = child;
  const closed = once(child, "close");
  // The second time it is nobody's descendant any more.
  const found = [[pid], []];
  assert.deepEqual(
    killBelow(() => found.shift() ?? []),
    [pid],
  );
  assert.deepEqual(await closed, [null, "SIGKILL"]);
});

test("Waiting for the end of a process that goes on names it.", async () => {
  await assert.rejects(gone([process.pid], 5), new RegExp(`still alive after 5 ms: ${process.pid}`));
});

test("A process that ended is not alive, and signals to it are no error.", { skip: missing }, async () => {
  const child = spawn("sh", ["-c", "exit 0"]);
  const pid = child.pid ?? 0;
  await once(child, "close");
  assert.equal(isAlive(pid), false);
  send([pid], "SIGTERM");
  assert.equal(isAlive(process.pid), true);
});

test("The current user is named as id(1) names him, whatever USER says.", { skip: missing }, async () => {
  assert.equal(currentUser(), (await run("id", ["-un"])).stdout.trim());
});
