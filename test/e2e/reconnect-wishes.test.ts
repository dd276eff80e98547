/** What cuts a wait for the session short, or ends it: SIGUSR1, another network, Ctrl-C, SIGTERM, a process that stood. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { faultyRelay } from "../kit/faulty-relay.ts";
import { launch } from "../kit/launch.ts";
import { findTool, need } from "../kit/packages.ts";
import { type Porthop, type PorthopEvent, porthop } from "../kit/porthop.ts";
import { descendants, gone } from "../kit/processes.ts";
import { pty } from "../kit/pty.ts";
import { echoServer, freePort, serve } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { connectTo, echoes } from "../kit/tcp-end.ts";
import { tempDirectory } from "../kit/temp.ts";
import { openTunnel, type Target } from "./tunnel.ts";

builtExecutable();
const missing = need("sshd", "ssh-keygen", "nc");
const limits = { skip: missing, timeout: 60_000 };
const noNetwork = spawnSync("unshare", ["-n", "true"]).status !== 0 && "needs the right to unshare -n";

/** Waits until porthop would try again in this time only: each wish of the user's is a try, and the waits double. */
async function awaitLongWait(program: Porthop, leastMs: number): Promise<PorthopEvent> {
  for (let attempt = 1; ; attempt++) {
    const wait = await program.event("reconnect", (event) => event["attempt"] === attempt);
    if (Number(wait["inMs"]) >= leastMs) return wait;
    program.signal("SIGUSR1");
  }
}

test(
  "SIGUSR1 finds a session, or a try, that nobody answers any more within 5 s, and begins another.",
  limits,
  async () => {
    await using target = await echoServer();
    await Promise.all([findsSession(target), findsTry(target)]);
  },
);

async function findsSession(target: Target): Promise<void> {
  await using sshd = await startSshd();
  await using relay = await faultyRelay(sshd);
  const args = ["-o", "ServerAliveInterval=0"];
  await using tunnel = await openTunnel(relay.login(sshd), [target], { args });
  // Behind this nothing of the server's is on its way any more that would count as an answer.
  assert.equal(await echoes(tunnel.port), true);
  relay.swallow();
  tunnel.program.signal("SIGUSR1");
  const { reason } = await tunnel.program.event("reconnect");
  assert.match(String(reason), /^lost the session with \S+: it stopped answering$/);
  relay.pass();
  assert.equal(await echoes(tunnel.port), true);
  // A session that answers is kept.
  const seen = tunnel.program.events.length;
  tunnel.program.signal("SIGUSR1");
  assert.equal(await echoes(tunnel.port), true);
  const later = tunnel.program.events.slice(seen).filter(({ event }) => event === "session");
  assert.deepEqual(later, []);
}

async function findsTry(target: Target): Promise<void> {
  await using sshd = await startSshd();
  await using relay = await faultyRelay(sshd);
  await using tunnel = await openTunnel(relay.login(sshd), [target]);
  relay.swallow();
  relay.cut();
  while (relay.accepted < 2) await new Promise((resolve) => setImmediate(resolve));
  tunnel.program.signal("SIGUSR1");
  const { reason } = await tunnel.program.event("reconnect", ({ attempt }) => attempt === 2);
  assert.match(String(reason), /^gave up a try to connect: no server answered it within 5 s/);
  relay.pass();
  assert.equal(await echoes(tunnel.port), true);
}

test("SIGUSR1 ends the wait after a refused login, and the connections that waited go through.", limits, async () => {
  await using target = await echoServer();
  await using sshd = await startSshd();
  await using tunnel = await openTunnel(sshd, [target]);
  const { program } = tunnel;
  const authorized = readFileSync(sshd.authorizedKeysFile);
  rmSync(sshd.authorizedKeysFile);
  await sshd.dropSessions();
  const wait = await program.event("reconnect", ({ inMs }) => Number(inMs) >= 60_000);
  assert.match(String(wait.reason), /refused the login/);
  await using client = await connectTo(tunnel.port);
  await client.send("hello");
  program.signal("SIGUSR1");
  await program.event("reconnect", ({ attempt, inMs }) => attempt === 3 && inMs === 60_000);
  writeFileSync(sshd.authorizedKeysFile, authorized);
  program.signal("SIGUSR1");
  await client.got(5);
  assert.equal(client.text, "hello");
});

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 0],
] as const) {
  test(
    `${signal} ends a long wait, and a try to which nobody answers, with ${code}; nobody is waited for.`,
    limits,
    async () => {
      await using target = await echoServer();
      await using sshd = await startSshd();
      await using relay = await faultyRelay(sshd);
      for (const outage of ["refused", "silent"] as const) {
        await relay.listen();
        relay.pass();
        // Who waits for a session is not to be waited for: with this grace the test would be over before.
        await using tunnel = await openTunnel(relay.login(sshd), [target], { args: ["--grace", "10m"] });
        const { program } = tunnel;
        if (outage === "refused") await relay.refuse();
        else relay.swallow();
        relay.cut();
        if (outage === "refused") await awaitLongWait(program, 5000);
        else await program.event("session", ({ state, id }) => state === "connecting" && id === "S2");
        await using client = await connectTo(tunnel.port);
        await client.send("hello");
        program.signal(signal);
        const exit = await program.exit;
        assert.equal(exit.code, code, exit.stderr);
        assert.equal((await client.received).ended, false);
        assert.doesNotMatch(exit.stderr.slice(exit.stderr.lastIndexOf("trying again")), /\[[a-z.]+\]$/m);
      }
    },
  );
}

test("Ctrl-C, which a ProxyCommand hears too, is no lost session and no reason to try again.", {
  ...limits,
  skip: missing || need("script", "stty"),
}, async () => {
  await using sshd = await startSshd();
  const words = ["-o", "ProxyCommand=nc %h %p", "-L", `${await freePort()}:127.0.0.1:9`];
  const { command, env, cwd } = launch(["run", ...words, ...sshd.sshArgs, sshd.host]);
  await using screen = pty(command, { env, cwd });
  await screen.screen(/ready: press Ctrl-C/);
  const inside = screen.inside;
  screen.send("\u0003");
  assert.equal(await screen.exit, 130);
  assert.doesNotMatch(screen.text, /trying again|lost the session|connected again/);
  await gone(inside);
});

test("Another address of this machine ends a long wait for the session.", {
  ...limits,
  skip: missing || noNetwork || need("unshare", "ip", "nsenter"),
}, async () => {
  await using target = await echoServer();
  await using sshd = await startSshd();
  await using relay = await faultyRelay(sshd);
  // The only way out of the namespace that needs no network.
  const path = join(tempDirectory("way"), "out.sock");
  const gate = createServer({ allowHalfOpen: true }, (near) => {
    const far = createConnection({ host: relay.host, port: relay.port });
    near.pipe(far).pipe(near);
    for (const each of [near, far]) each.on("error", () => far.destroy()).on("error", () => near.destroy());
  });
  await new Promise<void>((resolve) => gate.listen(path, resolve));
  const inside = 'ip link set lo up && exec "$@"';
  const under = ["unshare", "-n", "sh", "-c", inside, "sh"];
  const args = ["-o", `ProxyCommand=nc -U ${path}`];
  await using tunnel = await openTunnel(relay.login(sshd), [target], { args, under });
  const { program } = tunnel;
  const addAddress = (address: string) => {
    const words = ["-t", String(program.pid), "-n", "ip", "address", "add", `${address}/32`, "dev", "lo"];
    assert.equal(spawnSync(findTool("nsenter") ?? "", words).status, 0);
  };
  await relay.refuse();
  relay.cut();
  const wait = await awaitLongWait(program, 20_000);
  const after = program.events.length;
  await relay.listen();
  addAddress("192.0.2.1");
  const back = await program.event("session", ({ state }) => state === "connecting", { after });
  const waitedMs = Date.parse(back.time) - Date.parse(wait.time);
  assert.ok(waitedMs < Number(wait["inMs"]) - 2000, `${waitedMs} of ${wait["inMs"]}`);
  await program.event("session", ({ state }) => state === "ready", { after });
  assert.equal((await tunnel.stop()).code, 0);
  gate.close();
});

test(
  "A porthop that stood still for longer than its keepalive reads what came before it gives the server up.",
  limits,
  async () => {
    await using sshd = await startSshd();
    // What comes while porthop stands still proves that the server lives.
    await using clock = await serve({}, (socket) => {
      const ticks = setInterval(() => socket.write("."), 100);
      socket.on("close", () => clearInterval(ticks));
    });
    const args = ["-o", "ServerAliveInterval=2", "-o", "ServerAliveCountMax=0"];
    await using tunnel = await openTunnel(sshd, [clock], { args });
    await using client = await tunnel.connect();
    await client.got(5);
    tunnel.program.signal("SIGSTOP");
    // Longer than the keepalive's two seconds; nobody can see a process stand still.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const before = client.text.length;
    tunnel.program.signal("SIGCONT");
    await client.got(before + 40);
    assert.equal(
      tunnel.program.events.some(({ event }) => event === "reconnect"),
      false,
    );
    assert.equal(descendants(tunnel.program.pid).length, 0);
  },
);

test("SIGUSR1 does nothing to a relay, and to porthop while it ends.", limits, async () => {
  await using target = await echoServer();
  const port = await freePort();
  await using relay = porthop(["relay", "--json", "--grace", "10m", "-L", `${port}:127.0.0.1:${target.port}`]);
  await relay.event("ready");
  await using client = await connectTo(port);
  await client.send("one");
  await client.got(3);
  relay.signal("SIGUSR1");
  relay.signal("SIGTERM");
  // The listener is closed first.
  while (await echoes(port).catch(() => false)) await new Promise((resolve) => setImmediate(resolve));
  relay.signal("SIGUSR1");
  await client.send("two");
  await client.got(6);
  client.end();
  assert.equal((await client.received).ended, true);
  assert.equal((await relay.exit).code, 0);
});
