/** Jump hosts: sessions within sessions, each with its own host key and login, and a dead one is named. */
import assert from "node:assert/strict";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { launch } from "../kit/launch.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import type { PorthopEvent } from "../kit/porthop.ts";
import { pty } from "../kit/pty.ts";
import { randomChunks } from "../kit/random.ts";
import { echoServer, freePort, lateAnswerServer, sinkServer, sourceServer } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { echoes, playTarget } from "../kit/tcp-end.ts";
import { tempDirectory } from "../kit/temp.ts";
import { assertCarriesBulk } from "./carriage.ts";
import { assertFails, runToEnd } from "./failure.ts";
import { type JumpWay, jumpOf, jumpWay } from "./jump-way.ts";
import { lostForGood, openTunnel, type TunnelOptions } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen", "script", "stty"), timeout: 60_000 };
const bytes = 20_000_000;
const ways = { one: shared(() => jumpWay(2)), two: shared(() => jumpWay(3)) };

for (const [what, way] of [
  ["one jump host", ways.one],
  ["two jump hosts", ways.two],
] as const) {
  test(`Through ${what} 20 MB of random bytes go down and up with equal hashes.`, limits, async () => {
    await carriesBulk(await way(), {});
  });
}

test("On Deno too 20 MB go through a jump host whole.", limits, async () => {
  await carriesBulk(await ways.one(), { runtime: "deno" });
});

test("A half-close passes two jump hosts, and the answer comes after it.", limits, async () => {
  await using late = await lateAnswerServer();
  await using tunnel = await openTunnel(await ways.two(), [late]);
  await using client = await tunnel.connect();
  await client.send("question");
  client.end();
  assert.equal((await client.received).ended, true);
  assert.match(client.text, /^8 [0-9a-f]{64}\n$/);
});

test("A target that refuses is the destination's to refuse, and the way stays.", limits, async () => {
  await using target = await echoServer();
  await using tunnel = await openTunnel(await ways.two(), [{ host: "127.0.0.1", port: await freePort() }, target]);
  await using client = await tunnel.connect(0);
  assert.equal((await client.received).bytes, 0);
  assert.equal((await tunnel.program.event("error")).code, "target.refused");
  assert.equal(await echoes(tunnel.ports[1] ?? 0), true);
});

test(
  "A client, or a target, that resets takes its own flow with it through two jump hosts, and no other.",
  limits,
  async () => {
    await using target = await playTarget();
    await using tunnel = await openTunnel(await ways.two(), [target]);
    for (const who of ["client", "target"]) {
      await using client = await tunnel.connect();
      const end = await target.accepted(who === "client" ? 0 : 1);
      await client.send("hello");
      await end.got(5);
      const [first, second] = who === "client" ? [client, end] : [end, client];
      const closed = tunnel.program.nextEvent("flow.close");
      first.reset();
      await second.received;
      // SSH has no word for a target's reset: what is sent to it afterwards breaks the flow.
      if (who === "target") await client.send(randomChunks(5_000_000));
      assert.equal((await closed).reason, "aborted");
    }
    await using other = await tunnel.connect();
    await (await target.accepted(2)).send("there");
    await other.got(5);
  },
);

test("Events tell each session on the way, with its place, and the destination's without one.", limits, async () => {
  const way = await ways.two();
  await using tunnel = await openTunnel(way, [{ host: "127.0.0.1", port: 1 }]);
  assert.equal((await tunnel.stop()).code, 0);
  const told = tunnel.program.events.filter(({ event }) => event === "session").map(sessionOf);
  const [first, second, last] = way.sshds.map(({ port }) => port);
  assert.deepEqual(told, [
    ["connecting", 1, first],
    ["ready", 1, first],
    ["connecting", 2, second],
    ["ready", 2, second],
    ["connecting", undefined, last],
    ["ready", undefined, last],
    ["closed", undefined, last],
    ["closed", 2, second],
    ["closed", 1, first],
  ]);
  const [ready] = tunnel.program.events.filter(({ state, hop }) => state === "ready" && hop === undefined);
  assert.deepEqual([ready?.["remote"], ready?.["local"]], [`127.0.0.1:${last}`, undefined]);
});

test("Each goodbye is said: no sshd on the way finds its client gone.", limits, async () => {
  await using way = await jumpWay(3);
  await using tunnel = await openTunnel(way, [{ host: "127.0.0.1", port: 1 }]);
  await tunnel.stop();
  for (const sshd of way.sshds) await sshd.logged(/Received disconnect from 127\.0\.0\.1 port \d+:11/);
});

test("A jump host that is not there is named.", limits, async () => {
  const way = await ways.one();
  const port = await freePort();
  await assertFails(["-J", `127.0.0.1:${port}`, ...(await words(way))], {
    exit: 255,
    code: "ssh.unreachable",
    says: [`cannot reach the jump host 127.0.0.1:${port}: connection refused`],
    leg: 2,
  });
});

test("A dead inner hop is named with the jump host that could not reach it, and nothing is left.", limits, async () => {
  const [first] = (await ways.one()).sshds;
  const way = await ways.one();
  const port = await freePort();
  const jumps = `${jumpOf(first)},127.0.0.1:${port}`;
  await assertFails(["-J", jumps, ...(await words(way))], {
    exit: 255,
    code: "ssh.unreachable",
    says: [
      `cannot reach the jump host 127.0.0.1:${port} through the jump host 127.0.0.1:${first.port}: Connection refused`,
    ],
    leg: 2,
  });
});

test("A destination that only the jump host could resolve, and cannot, is not found.", limits, async () => {
  const way = await ways.one();
  const args = [...way.sshArgs.map((word) => word), "-L", `${await freePort()}:localhost:1`, "no-such-host.invalid"];
  await assertFails(args, {
    exit: 255,
    code: "host.not-found",
    says: [`no-such-host.invalid:${way.destination.port} through the jump host 127.0.0.1:${way.sshds[0].port}`],
    leg: 2,
  });
});

test("A jump host that prohibits forwarding is told so.", limits, async () => {
  await using way = await jumpWay(2, [{ config: ["AllowTcpForwarding no"] }]);
  await assertFails([...way.sshArgs, "-L", `${await freePort()}:localhost:1`, way.host], {
    exit: 255,
    code: "ssh.unreachable",
    says: [/through the jump host 127\.0\.0\.1:\d+: it does not forward to there/],
    hint: /AllowTcpForwarding/,
    leg: 2,
  });
});

test("A wrong host key on the second hop is refused, by the name and port of that hop.", limits, async () => {
  const way = await ways.two();
  const [first, second, last] = way.sshds;
  assert.ok(second !== undefined && last !== undefined);
  const file = join(tempDirectory("known-hosts"), "known_hosts");
  writeFileSync(file, readFileSync(first.knownHostsFile));
  appendFileSync(file, `[127.0.0.1]:${second.port} ${first.hostKeys[0]}\n`);
  appendFileSync(file, readFileSync(last.knownHostsFile));
  // The first value of a keyword wins.
  const settings = ["-o", `UserKnownHostsFile=${file}`, ...way.sshArgs];
  const exit = await runToEnd(["run", ...settings, "-L", `${await freePort()}:localhost:1`, way.host]);
  assert.equal(exit.code, 255);
  assert.match(exit.stderr, new RegExp(`host key of \\[127\\.0\\.0\\.1\\]:${second.port} has changed`));
  assert.match(exit.stderr, /\[ssh\.host-key-changed\]/);
});

test("At a terminal each unknown host on the way is asked for by its name, and remembered.", limits, async () => {
  const way = await ways.one();
  const [first, last] = way.sshds;
  const file = join(tempDirectory("known-hosts"), "known_hosts");
  const settings = ["-o", `UserKnownHostsFile=${file}`, "-o", "StrictHostKeyChecking=ask", "-o", "BatchMode=no"];
  const forward = ["-L", `${await freePort()}:localhost:1`];
  const { command, env, cwd } = launch(["run", ...settings, ...forward, ...way.sshArgs, way.host]);
  await using screen = pty(command, { env, cwd, columns: 300 });
  await screen.screen(new RegExp(`authenticity of host '\\[127\\.0\\.0\\.1\\]:${first.port} .*Are you sure`, "s"));
  const mark = screen.send("yes\r");
  await screen.screen(new RegExp(`authenticity of host '\\[127\\.0\\.0\\.1\\]:${last?.port}'.*Are you sure`, "s"), {
    after: mark,
  });
  screen.send("yes\r");
  await screen.screen(/ready/);
  assert.equal(readFileSync(file, "utf8"), readFileSync(way.knownHostsFile, "utf8"));
});

test("A login that a jump host refuses names that host.", limits, async () => {
  await using stranger = await startSshd();
  const way = await ways.one();
  const file = join(tempDirectory("known-hosts"), "known_hosts");
  writeFileSync(file, readFileSync(way.knownHostsFile, "utf8") + readFileSync(stranger.knownHostsFile, "utf8"));
  const args = ["-o", `UserKnownHostsFile=${file}`, "-J", `${jumpOf(way.sshds[0])},${jumpOf(stranger)}`];
  const exit = await runToEnd(["run", ...args, ...(await words(way))]);
  assert.equal(exit.code, 255);
  assert.match(exit.stderr, new RegExp(`127\\.0\\.0\\.1:${stranger.port} refused the login .*\\[ssh\\.auth-failed\\]`));
});

for (const [what, index] of [
  ["The outer sshd", 0],
  ["The sshd in the middle", 1],
  ["The destination's sshd", 2],
] as const) {
  test(`${what} is killed in mid transfer: the tunnel is lost, told once, with its name.`, limits, async () => {
    await using way = await jumpWay(3);
    await using source = await sourceServer({ bytes: 500_000_000 });
    await using tunnel = await openTunnel(way, [source], { args: lostForGood });
    await using client = await tunnel.connect();
    await client.got(1_000_000);
    const killed = way.sshds[index];
    assert.ok(killed !== undefined);
    await killed.kill();
    const { ended } = await client.received;
    const exit = await tunnel.program.exit;
    assert.deepEqual([ended, exit.code], [false, 255]);
    const errors = tunnel.program.events.filter(({ event }) => event === "error");
    assert.deepEqual(
      errors.map(({ code }) => code),
      ["ssh.lost"],
      exit.stderr,
    );
    const name = index === 2 ? "" : "the jump host ";
    assert.match(
      String(errors[0]?.message),
      new RegExp(`^lost the session with ${name}127\\.0\\.0\\.1:${killed.port}: `),
    );
    const lost = tunnel.program.events.filter(({ state }) => state === "lost").map(({ port }) => port);
    assert.deepEqual(
      lost,
      way.sshds.slice(index).map(({ port }) => port),
    );
  });
}

test("The words of -J are ssh's: one of it, no ProxyCommand beside it, no loop, none for none.", limits, async () => {
  const way = await ways.one();
  const at = await words(way);
  for (const [args, says] of [
    [["-J", "a", "-J", "b"], /jump hosts were named already/],
    [["-o", "ProxyCommand=nc %h %p", "-J", "b"], /cannot go with a ProxyCommand/],
    [["-J", "a,,b"], /empty host/],
    [["-J", "-oProxyCommand=x"], /begins with "-"/],
    [["-J", "a;id"], /contains ";"/],
    [["-J", `127.0.0.1:${way.destination.port}`], /is the destination itself/],
  ] as const) {
    await assertFails([...args, ...at], { exit: 2, code: "usage", says: [says] });
  }
  await using target = await echoServer();
  const none = { host: way.host, sshArgs: ["-o", "ProxyJump=none", "-o", "ProxyJump=nowhere", ...way.plainArgs] };
  await using tunnel = await openTunnel(none, [target]);
  assert.equal(await echoes(tunnel.port), true);
});

async function carriesBulk(way: JumpWay, options: TunnelOptions): Promise<void> {
  await using source = await sourceServer({ bytes, seed: 1 });
  await using sink = await sinkServer();
  await using tunnel = await openTunnel(way, [source, sink], options);
  await assertCarriesBulk(tunnel, sink, { bytes, seeds: [1, 2], endsLate: options.runtime === "deno" });
  assert.equal((await tunnel.stop()).code, 0);
}

/** A forward and the destination, without -J. */
async function words(way: JumpWay): Promise<string[]> {
  return ["-L", `${await freePort()}:localhost:1`, ...way.plainArgs, way.host];
}

function sessionOf({ state, hop, port }: PorthopEvent): unknown[] {
  return [state, hop, port];
}
