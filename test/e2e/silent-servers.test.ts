/** A server that says nothing any more while its connection stands: porthop gives it up when ssh does. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { freezer } from "../kit/freezer.ts";
import { atExit } from "../kit/lifetime.ts";
import { findTool, need } from "../kit/packages.ts";
import { killTree, send } from "../kit/processes.ts";
import { echoServer } from "../kit/servers.ts";
import { type Sshd, startSshd } from "../kit/sshd.ts";
import { lostForGood, openTunnel, type Server } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen", "ssh"), timeout: 60_000 };
/** ssh reads its clock in whole seconds, and may be early by nearly one. */
const sshEarlyMs = 1000;
/** How late they may be on a machine that is very busy. */
const lateMs = 15_000;

for (const [what, count, path] of [
  ["A frozen sshd (SIGSTOP)", 2, frozenSshd],
  ["A path that swallows all packets", 1, swallowingPath],
] as const) {
  test(`${what} is noticed at ServerAliveInterval x (ServerAliveCountMax + 1), as by ssh.`, limits, async () => {
    await using sshd = await startSshd();
    await using way = await path(sshd);
    await using echo = await echoServer();
    const args = ["-o", "ServerAliveInterval=1", "-o", `ServerAliveCountMax=${count}`];
    await using tunnel = await openTunnel(way, [echo], { args: [...args, ...lostForGood] });
    await using client = await tunnel.connect();
    const ssh = plainSsh([...args, ...way.sshArgs, way.host, "cat"]);
    await ssh.ask();
    // Both have an answer from now; the last bytes before the silence come after this.
    const begunMs = performance.now();
    await Promise.all([ssh.ask(), client.send("hello").then(() => client.got(5))]);
    way.silence();
    const silentMs = performance.now();
    const [sshEndMs, endMs] = await Promise.all([
      ssh.closed.then(() => performance.now()),
      tunnel.program.exit.then(() => performance.now()),
    ]);
    const limitMs = 1000 * (count + 1);
    const { code, stderr } = await tunnel.program.exit;
    assert.deepEqual([code, (await client.received).ended], [255, false]);
    assert.match(stderr, /lost the session with \S+: it stopped answering/);
    assert.match(await ssh.closed, /^255: Timeout, server \S+ not responding\./m);
    assert.ok(endMs - begunMs >= limitMs, `too early: ${endMs - begunMs} ms`);
    assert.ok(endMs - silentMs < limitMs + lateMs, `too late: ${endMs - silentMs} ms`);
    assert.ok(sshEndMs - begunMs >= limitMs - sshEarlyMs, `ssh was earlier than its rule: ${sshEndMs - begunMs} ms`);
    assert.ok(Math.abs(sshEndMs - endMs) < lateMs, `ssh ${sshEndMs - silentMs} ms, porthop ${endMs - silentMs} ms`);
  });
}

interface SilentWay extends Server, AsyncDisposable {
  silence(): void;
}

async function frozenSshd(sshd: Sshd): Promise<SilentWay> {
  return {
    host: sshd.host,
    sshArgs: sshd.sshArgs,
    silence: () => send(sshd.sessionPids(), "SIGSTOP"),
    async [Symbol.asyncDispose]() {},
  };
}

async function swallowingPath(sshd: Sshd): Promise<SilentWay> {
  const wall = await freezer(sshd);
  const toIt = sshd.sshArgs.map((word) => (word === String(sshd.port) ? String(wall.port) : word));
  return {
    host: sshd.host,
    sshArgs: [...toIt, "-o", `HostKeyAlias=[${sshd.host}]:${sshd.port}`],
    silence: () => wall.freeze(),
    [Symbol.asyncDispose]: () => wall[Symbol.asyncDispose](),
  };
}

/** ssh with `cat` as the command: each question comes back as an answer. */
function plainSsh(words: readonly string[]) {
  const child = spawn(findTool("ssh") ?? "ssh", words, { stdio: ["pipe", "pipe", "pipe"], detached: true });
  const forget = atExit(() => {
    if (child.pid !== undefined) killTree(child.pid);
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Uint8Array) => {
    stderr += String(chunk);
  });
  child.stdin.on("error", () => {});
  const closed = new Promise<string>((resolve) => {
    child.on("close", (code) => {
      forget();
      resolve(`${code}: ${stderr}`);
    });
  });
  return {
    /** The exit code and what ssh said. */
    closed,
    async ask(): Promise<void> {
      const answered = once(child.stdout, "data");
      child.stdin.write("still there?\n");
      await answered;
    },
  };
}
