/** porthop as a service of systemd: what the manager hears of a run, of a relay and of one that goes to the background. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { launch } from "../kit/launch.ts";
import { shared } from "../kit/lifetime.ts";
import { madeUpNotify, NotifySocket } from "../kit/notify-socket.ts";
import { findTool, need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { gone, send, withEnvironment } from "../kit/processes.ts";
import { run } from "../kit/run.ts";
import { projectRoot } from "../kit/runtime.ts";
import { freePort } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { tempDirectory } from "../kit/temp.ts";

builtExecutable();
const noManager = need("systemd-notify", "perl");
const limits = { skip: noManager, timeout: 60_000 };
const withSshd = { ...limits, skip: noManager || need("sshd", "ssh-keygen", "nc") };
const theSshd = shared(() => startSshd());

for (const runtime of ["compiled", "deno"] as const) {
  test(`On ${runtime} the manager hears when a relay is ready, that it lives, and that it stops.`, limits, async () => {
    await using manager = await NotifySocket.open();
    const words = ["relay", "-L", `${await freePort()}:127.0.0.1:9`];
    const env = { NOTIFY_SOCKET: manager.path, WATCHDOG_USEC: "1000000" };
    await using program = porthop(words, { runtime, env });
    await manager.told.until(/^READY=1\|STATUS=1 forward ready$/m);
    await manager.told.until(/^WATCHDOG=1$/m);
    program.signal("SIGTERM");
    const { code, stderr } = await program.exit;
    assert.equal(code, 0);
    await manager.told.until(/^STOPPING=1/m);
    await manager.told.until(/STATUS=stopped$/m);
    assert.doesNotMatch(stderr, /warning/);
  });
}

test(
  "A run tells its way to the server; the program on that way is told nothing of the manager.",
  withSshd,
  async () => {
    const sshd = await theSshd();
    await using manager = await NotifySocket.open();
    const seen = join(tempDirectory(), "environment");
    const way = `ProxyCommand=sh -c 'env >${seen}; exec nc %h %p'`;
    const words = ["run", "-L", `${await freePort()}:127.0.0.1:9`, "-o", way, ...sshd.sshArgs, sshd.host];
    const env = { NOTIFY_SOCKET: manager.path, WATCHDOG_USEC: "60000000" };
    await using program = porthop(words, { env });
    await manager.told.until(/STATUS=connecting to 127\.0\.0\.1 \.\.\.$/m);
    await manager.told.until(/READY=1/);
    await manager.told.until(/STATUS=1 forward ready$/m);
    assert.doesNotMatch(readFileSync(seen, "utf8"), /NOTIFY_SOCKET|WATCHDOG/);
    assert.match(readFileSync(seen, "utf8"), /^PATH=/m);
    program.signal("SIGTERM");
    assert.equal((await program.exit).code, 0);
  },
);

test("A run that fails leaves the reason as its status, and is never ready.", limits, async () => {
  await using manager = await NotifySocket.open();
  const words = ["run", "-F", "none", "-p", String(await freePort()), "-L", `${await freePort()}:a:1`, "127.0.0.1"];
  await using program = porthop(words, { env: { NOTIFY_SOCKET: manager.path } });
  assert.equal((await program.exit).code, 255);
  await manager.told.until(/^STOPPING=1\|STATUS=cannot reach sshd at 127\.0\.0\.1:\d+: .*$/m);
  assert.doesNotMatch(manager.told.text, /READY/);
});

/** A relay in the background, started as systemd starts a service: the watchdog is that of the process in front. */
async function relayBehind(env: Readonly<Record<string, string>>) {
  const mark = tempDirectory();
  const launched = launch(["relay", "-f", "-L", `${await freePort()}:127.0.0.1:9`], {
    env: { ...env, PORTHOP_TEST_BEHIND: mark },
  });
  const started = ["-c", 'export WATCHDOG_PID=$$; exec "$@"', "sh", ...launched.command];
  const front = await run("sh", started, { env: launched.env, cwd: launched.cwd });
  return {
    front,
    pid: Number(/^in the background as pid (\d+)/m.exec(front.stderr)?.[1]),
    async [Symbol.asyncDispose]() {
      const behind = withEnvironment(`PORTHOP_TEST_BEHIND=${mark}`);
      send(behind, "SIGKILL");
      await gone(behind);
    },
  };
}

test("With -f the manager hears which process is the service now, and that this one lives.", limits, async () => {
  await using manager = await NotifySocket.open();
  await using relay = await relayBehind({ NOTIFY_SOCKET: manager.path, WATCHDOG_USEC: "1000000" });
  assert.equal(relay.front.code, 0, relay.front.stderr);
  await manager.told.until(new RegExp(`^READY=1\\|MAINPID=${relay.pid}\\|STATUS=1 forward ready$`, "m"));
  await manager.told.until(/^WATCHDOG=1$/m);
  send([relay.pid], "SIGTERM");
  await manager.told.until(/STATUS=stopped$/m);
  await gone([relay.pid]);
});

test("The process in front does not end before the manager knows the one behind.", limits, async () => {
  const told = join(tempDirectory(), "told");
  const { path } = madeUpNotify(`sleep 1; echo "$@" >>${told}`);
  await using relay = await relayBehind({ NOTIFY_SOCKET: "/nowhere", PATH: path });
  assert.equal(relay.front.code, 0, relay.front.stderr);
  assert.match(readFileSync(told, "utf8"), new RegExp(`^READY=1 MAINPID=${relay.pid} `));
});

const analyze = findTool("systemd-analyze");

test("systemd takes the unit of the page without a word.", { ...limits, skip: analyze === undefined }, async () => {
  const page = readFileSync(join(projectRoot, "src/forward/README.md"), "utf8");
  const [, unit = ""] = /```ini\n(.*?)```/s.exec(page) ?? [];
  const folder = tempDirectory("unit");
  const file = join(folder, "db-tunnel.service");
  const verify = async (text: string) => {
    writeFileSync(file, text.replace("/usr/local/bin/porthop", builtExecutable()));
    const env = { ...process.env, XDG_RUNTIME_DIR: folder };
    return await run(analyze ?? "", ["verify", "--user", "--man=no", file], { env });
  };
  assert.match((await verify(unit.replace("notify", "notfy"))).stderr, /notfy/);
  const { code, stderr } = await verify(unit);
  assert.deepEqual([code, stderr], [0, ""]);
});
