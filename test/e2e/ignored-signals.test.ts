/** Signals that were ignored when porthop was started (nohup, `&` in a script) end it no more than they end ssh. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { ignoredIn } from "../../src/io/ignored-signals.ts";
import { builtExecutable } from "../kit/executable.ts";
import { launch } from "../kit/launch.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { Porthop } from "../kit/porthop.ts";
import { descendants, gone, send } from "../kit/processes.ts";
import { pty } from "../kit/pty.ts";
import { echoServer, freePort } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { connectTo, echoes } from "../kit/tcp-end.ts";
import { tempDirectory } from "../kit/temp.ts";
import { untilClosed, untilOpen } from "./closed-port.ts";
import { openTunnel } from "./tunnel.ts";

builtExecutable();
const proc = existsSync("/proc/self/status") ? false : "needs /proc";
const limits = { skip: proc || need("sshd", "ssh-keygen", "nc", "script", "stty", "nohup"), timeout: 60_000 };
const theSshd = shared(() => startSshd());

function ignoring(...signals: readonly string[]): readonly string[] {
  return ["sh", "-c", `trap '' ${signals.join(" ")}; exec "$@"`, "sh"];
}

function ignoredBy(pid: number): string[] {
  return [...ignoredIn(readFileSync(`/proc/${pid}/status`, "latin1"))];
}

/** Looks again and again, because the system tells nobody when another process has set its signals. */
async function untilIgnoring(pid: number, expected: readonly string[]): Promise<void> {
  const deadline = performance.now() + 5000;
  for (let found = ignoredBy(pid); !isDeepStrictEqual(found, expected); found = ignoredBy(pid)) {
    const state = () => readFileSync(`/proc/${pid}/status`, "latin1");
    if (performance.now() > deadline) assert.fail(`${pid} ignores ${found.join(" ")}, in:\n${state()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

for (const runtime of ["compiled", "deno"] as const) {
  test(
    `Started with INT and HUP ignored it forwards on after both, and SIGTERM stops it, on ${runtime}.`,
    limits,
    async () => {
      await using target = await echoServer();
      const under = ignoring("INT", "HUP");
      const args = ["-o", "ProxyCommand=nc %h %p"];
      await using tunnel = await openTunnel(await theSshd(), [target], { under, runtime, args });
      const { program } = tunnel;
      const command = descendants(program.pid);
      assert.equal(command.length, 1);
      const all = [program.pid, ...command];
      // Deno has a listener in place of it.
      for (const pid of runtime === "deno" ? command : all) await untilIgnoring(pid, ["SIGHUP", "SIGINT"]);
      await using client = await tunnel.connect();
      for (const signal of ["SIGINT", "SIGHUP"] as const) {
        send(all, signal);
        send(all, signal);
        await client.send("still ");
        assert.equal(await echoes(tunnel.port), true);
      }
      await client.got(12);
      client.end();
      await client.received;
      // Had one of them been taken, the first would have said 130.
      assert.equal((await tunnel.stop()).code, 0);
    },
  );
}

test("A SIGTERM that was ignored is none either, and SIGINT stops it.", limits, async () => {
  await using target = await echoServer();
  await using tunnel = await openTunnel(await theSshd(), [target], { under: ignoring("TERM") });
  tunnel.program.signal("SIGTERM");
  assert.equal(await echoes(tunnel.port), true);
  tunnel.program.signal("SIGINT");
  assert.equal((await tunnel.program.exit).code, 130);
});

test("-f with signals ignored leaves a tunnel behind that ignores them.", limits, async () => {
  await using target = await echoServer();
  const sshd = await theSshd();
  const port = await freePort();
  const forward = ["-L", `${port}:127.0.0.1:${target.port}`];
  const args = ["run", "--json", "-f", ...forward, ...sshd.sshArgs, sshd.host];
  const launched = launch(args);
  await using program = new Porthop({ ...launched, command: [...ignoring("HUP"), ...launched.command] }, {});
  const { code, stderr } = await program.exit;
  assert.equal(code, 0, stderr);
  const behind = Number(/pid (\d+)/.exec(stderr)?.[1]);
  assert.deepEqual(ignoredBy(behind), ["SIGHUP"]);
  send([behind], "SIGHUP");
  assert.equal(await echoes(port), true);
  send([behind], "SIGTERM");
  await gone([behind]);
});

for (const [how, before] of [
  ["nohup", ["nohup"]],
  ["with SIGHUP ignored, its output on the dead terminal", ignoring("HUP")],
] as const) {
  test(`A window that is closed does not end a tunnel started ${how}.`, limits, async () => {
    const sshd = await theSshd();
    await using target = await echoServer();
    const port = await freePort();
    const forward = ["-o", "ProxyCommand=nc %h %p", "-L", `${port}:127.0.0.1:${target.port}`];
    const home = tempDirectory("home");
    const { command, env, cwd } = launch(["run", ...forward, ...sshd.sshArgs, sshd.host], { home });
    await using window = pty([...before, ...command], { env, cwd, columns: 200 });
    // What it says goes into a file.
    if (how === "nohup") await untilOpen(port);
    else await window.screen(/ready/);
    const { inside } = window;
    try {
      await using open = await connectTo(port);
      await open.send("before");
      await open.got(6);
      await window.hangUp();
      for (const word of ["one", "two", "three"]) {
        // Each flow says so on a terminal that is gone.
        assert.equal(await echoes(port), true, word);
        await open.send("after");
      }
      await open.got(6 + 15);
    } finally {
      send(inside, "SIGTERM");
    }
    await untilClosed(port);
    await gone(inside);
  });
}

test("A window that is closed ends a tunnel that was started without nohup, as before.", limits, async () => {
  const sshd = await theSshd();
  const forward = ["-L", `${await freePort()}:localhost:1`];
  const { command, env, cwd } = launch(["run", ...forward, ...sshd.sshArgs, sshd.host], {
    home: tempDirectory("home"),
  });
  await using window = pty(command, { env, cwd, columns: 200 });
  await window.screen(/ready/);
  const { inside } = window;
  await window.hangUp();
  await gone(inside);
});
