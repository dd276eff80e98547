/** Ports that cannot be had and targets that cannot be reached: told with names and numbers, and what works goes on. */
import assert from "node:assert/strict";
import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { type Exit, type PorthopEvent, porthop } from "../kit/porthop.ts";
import { echoServer, freePort, sourceServer } from "../kit/servers.ts";
import { type ForwardAnswer, startSshServer } from "../kit/ssh-server.ts";
import { type Sshd, startSshd } from "../kit/sshd.ts";
import { assertClean, assertEvents, assertFails, assertTold, type Failure, runToEnd } from "./failure.ts";
import { handOver, normalUser, normalUserTools } from "./normal-user.ts";
import { assertReset } from "./reset-client.ts";
import { notLinux } from "./resident.ts";
import { connectTo } from "./tcp-end.ts";
import { openTunnel, type Server, type Target } from "./tunnel.ts";

builtExecutable();
const missing = need("sshd", "ssh-keygen");
const limits = { skip: missing, timeout: 60_000 };
const theSshd = shared(() => startSshd());
const theUser = shared(() => normalUser());

/** A server of our own on this address and port. */
async function take(host: string, port: number): Promise<AsyncDisposable> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, ipv6Only: true }, resolve);
  });
  return { [Symbol.asyncDispose]: () => new Promise<void>((resolve) => void server.close(() => resolve())) };
}

async function assertCannotListen(specs: readonly string[], expected: Omit<Failure, "exit" | "leg">): Promise<void> {
  const sshd = await theSshd();
  const forwards = specs.flatMap((spec) => ["-L", spec]);
  await assertFails([...forwards, ...sshd.sshArgs, sshd.host], { ...expected, exit: 255, leg: 1 });
}

test("A port that is taken is told with the program and pid that has it, also when only ::1 is taken.", {
  ...limits,
  skip: missing || notLinux,
}, async () => {
  for (const host of ["127.0.0.1", "::1"]) {
    const port = await freePort();
    await using _taken = await take(host, port);
    const where = host === "::1" ? `[::1]:${port}` : `127.0.0.1:${port}`;
    const holder = new RegExp(`already in use by \\S+ \\(pid ${process.pid}\\)$`);
    const expected = {
      code: "listen.in-use",
      says: [`cannot listen on ${where}`, holder],
      hint: new RegExp(`${port + 1}`),
    } as const;
    await assertCannotListen([`${port}:localhost:80`], expected);
    const both = ["-L", `127.0.0.1:${await freePort()}:localhost:80`, "-L", `${port}:localhost:80`];
    const exit = await runToEnd(["run", "--json", ...both, ...(await theSshd()).sshArgs, (await theSshd()).host]);
    assertTold(exit, { ...expected, exit: 255, before: [/^L1 listening on 127\.0\.0\.1:\d+ -> localhost:80$/] });
    assert.equal(assertEvents(exit, 255)["leg"], 1);
  }
});

test("The last port of all is taken too, and the next one is not proposed.", limits, async () => {
  await using _taken = await take("127.0.0.1", 65_535);
  await assertCannotListen(["65535:localhost:80"], { code: "listen.in-use", says: ["127.0.0.1:65535"], hint: /65534/ });
});

test("The same port twice in one command is in use by porthop itself.", {
  ...limits,
  skip: missing || notLinux,
}, async () => {
  const port = await freePort();
  const forwards = ["-L", `${port}:localhost:80`, "-L", `${port}:localhost:81`];
  const exit = await runToEnd(["run", ...forwards, ...(await theSshd()).sshArgs, (await theSshd()).host]);
  const says = [`127.0.0.1:${port}`, /already in use by porthop \(pid \d+\)$/];
  assertTold(exit, { exit: 255, code: "listen.in-use", says, before: [/^L1 listening on /] });
});

test(
  "An address that is not of this machine, and a name that is nobody's, cannot be listened on.",
  limits,
  async () => {
    const port = await freePort();
    const denied = { code: "listen.denied", hint: /address of this machine/ } as const;
    await assertCannotListen([`203.0.113.7:${port}:localhost:80`], { ...denied, says: [`203.0.113.7:${port}`] });
    await assertCannotListen([`[2001:db8::7]:${port}:localhost:80`], { ...denied, says: [`[2001:db8::7]:${port}`] });
    await assertCannotListen([`no-such-host.invalid:${port}:localhost:80`], {
      code: "host.not-found",
      says: [`no-such-host.invalid:${port}`, "does not resolve"],
    });
  },
);

test("A privileged port is root's, and a normal user is told so.", {
  ...limits,
  skip: missing || need(...normalUserTools) || everybodysPorts(),
}, async () => {
  const user = await theUser();
  const args = ["run", "--json", "-L", "80:localhost:80", ...(await trusted(user.home))];
  const exit = await user.run(args);
  const says = ["cannot listen on 127.0.0.1:80: permission denied"];
  assertTold(exit, { exit: 255, code: "listen.denied", says, hint: /below 1024 belong to root/ });
  assert.equal(assertEvents(exit, 255)["leg"], 1);
});

test("A port that another user's program has is told without a name, as the system hides it.", {
  ...limits,
  skip: missing || need(...normalUserTools),
}, async () => {
  const user = await theUser();
  const port = await freePort();
  await using _taken = await take("127.0.0.1", port);
  const exit = await user.run(["run", "-L", `${port}:localhost:80`, ...(await trusted(user.home))]);
  const says = [`cannot listen on 127.0.0.1:${port}: already in use`];
  assertTold(exit, { exit: 255, code: "listen.in-use", says });
});

test("With ExitOnForwardFailure=no the other forwards work, and ready names only those.", limits, async () => {
  const sshd = await theSshd();
  await using target = await echoServer();
  const [taken, free] = [await freePort(), await freePort()];
  await using _taken = await take("127.0.0.1", taken);
  const forwards = [taken, free].flatMap((port) => ["-L", `${port}:${target.host}:${target.port}`]);
  const args = ["run", "--json", "-o", "ExitOnForwardFailure=no", ...forwards, ...sshd.sshArgs, sshd.host];
  await using program = porthop(args);
  assert.deepEqual((await program.event("ready"))["forwards"], ["L2"]);
  assert.equal((await program.event("error")).code, "listen.in-use");
  await using client = await connectTo(free);
  await client.send("hello");
  await client.got(5);
  client.end();
  await client.received;
  program.signal("SIGTERM");
  assert.equal((await program.exit).code, 0);
});

interface Refusal {
  readonly code: string;
  readonly leg: 2 | 3;
  readonly says: readonly (string | RegExp)[];
}

/** One client of a target that cannot be had: it is reset, told once in words and once as an event, and no more ends. */
async function assertFlowRefused(
  server: Server,
  target: Target,
  expected: Refusal,
  args: readonly string[] = [],
): Promise<void> {
  await using tunnel = await openTunnel(server, [target], { args });
  await assertReset(tunnel.port);
  const { program } = tunnel;
  const error = await program.event("error");
  const closed = await program.event("flow.close");
  assert.deepEqual([error.code, error["leg"], error.flow], [expected.code, expected.leg, "L1#1"]);
  for (const part of expected.says) {
    if (typeof part === "string") assert.ok(error.message?.includes(part), `${part} in ${error.message}`);
    else assert.match(error.message ?? "", part);
  }
  assert.deepEqual([closed.reason, closed.up, closed.down], ["refused", 0, 0]);
  assert.equal((closed["error"] as PorthopEvent).code, expected.code);
  const exit: Exit = await tunnel.stop();
  assert.equal(exit.code, 0);
  assertClean(exit);
  assert.equal(exit.stderr.split("\n").filter((line) => line.includes(`[${expected.code}]`)).length, 1, exit.stderr);
  assert.equal(exit.stderr.split("\n").filter((line) => line.startsWith("  hint: ")).length, 1, exit.stderr);
}

test("A target that refuses, or whose name the server does not know, is told as leg 3's failure.", limits, async () => {
  const sshd = await theSshd();
  const target = { host: "127.0.0.1", port: await freePort() };
  const refused = {
    code: "target.refused",
    leg: 3,
    says: [`127.0.0.1:${target.port} refused the connection`],
  } as const;
  await assertFlowRefused(sshd, target, refused);
  await assertFlowRefused(
    sshd,
    { host: "::1", port: target.port },
    { ...refused, says: [`[::1]:${target.port} refused`] },
  );
  await assertFlowRefused(
    sshd,
    { host: "no-such-host.invalid", port: 80 },
    { code: "target.unreachable", leg: 3, says: ["cannot resolve", "no-such-host.invalid:80"] },
  );
});

test("What sshd_config prohibits is told with the reason of RFC 4254.", limits, async () => {
  await using target = await echoServer();
  for (const line of ["AllowTcpForwarding no", "PermitOpen none", "PermitOpen 192.0.2.1:80", "DisableForwarding yes"]) {
    await using sshd = await startSshd({ config: [line] });
    await assertFlowRefused(sshd, target, {
      code: "target.prohibited",
      leg: 2,
      says: [`${sshd.host}:${sshd.port} prohibits forwarding to ${target.host}:${target.port}`, /\(reason 1: .+\)$/],
    });
  }
});

test(
  "Every reason of RFC 4254 and every other number has its error, with the server's words escaped.",
  limits,
  async () => {
    const text = "\u001b[2J\u202eno";
    const shown = "\\x1b[2J\\u202eno";
    const answers: readonly (readonly [ForwardAnswer, Refusal])[] = [
      [
        { refuse: 1, text },
        { code: "target.prohibited", leg: 2, says: [`(reason 1: ${shown})`] },
      ],
      [
        { refuse: 2, text },
        { code: "target.unreachable", leg: 3, says: ["cannot reach the target", shown] },
      ],
      [
        { refuse: 2, text: "" },
        { code: "target.unreachable", leg: 3, says: ["no reason given"] },
      ],
      [
        { refuse: 3, text },
        { code: "target.prohibited", leg: 2, says: [`(reason 3: ${shown})`] },
      ],
      [
        { refuse: 4, text },
        { code: "target.prohibited", leg: 2, says: ["short of resources", `(reason 4: ${shown})`] },
      ],
      [
        { refuse: 99 as 4, text },
        { code: "target.prohibited", leg: 2, says: [`(reason 99: ${shown})`] },
      ],
      [
        { refuse: 0 as 1, text: "" },
        { code: "target.prohibited", leg: 2, says: ["(reason 0: no reason given)"] },
      ],
      [
        { refuse: 2, text: "x".repeat(20_000) },
        { code: "target.unreachable", leg: 3, says: [/x{100,300}…$/] },
      ],
    ];
    for (const [answer, expected] of answers) {
      await using server = await startSshServer({ forward: () => answer });
      await assertFlowRefused(server, { host: "target.example", port: 80 }, expected);
    }
  },
);

test(
  "An sshd that dies or is stopped in mid transfer resets the client, and ends porthop with 255.",
  limits,
  async () => {
    await using source = await sourceServer({ bytes: 500_000_000 });
    const ways: readonly ((sshd: Sshd) => Promise<void>)[] = [(sshd) => sshd.kill(), (sshd) => sshd.stop()];
    for (const way of ways) {
      await using sshd = await startSshd();
      await using tunnel = await openTunnel(sshd, [source]);
      await using client = await tunnel.connect();
      await client.got(1_000_000);
      await way(sshd);
      assert.equal((await client.received).ended, false, "a reset and no clean end");
      const exit = await tunnel.program.exit;
      assert.equal(exit.code, 255);
      assertClean(exit);
      const error = assertEvents(exit, 255);
      assert.deepEqual([error.code, error["leg"]], ["ssh.lost", 2]);
      assert.ok(error.message?.includes(`lost the session with ${sshd.host}:${sshd.port}`), error.message);
      const states = tunnel.program.events.filter(({ event }) => event === "session").map(({ state }) => state);
      assert.deepEqual(states, ["connecting", "ready", "lost", "closed"]);
      assert.equal((await tunnel.program.event("flow.close")).reason, "aborted");
    }
  },
);

test("An sshd that is stopped while nothing flows is noticed at once.", limits, async () => {
  for (const way of [(sshd: Sshd) => sshd.kill(), (sshd: Sshd) => sshd.stop(), (sshd: Sshd) => sshd.dropSessions()]) {
    await using sshd = await startSshd();
    await using tunnel = await openTunnel(sshd, [{ host: "127.0.0.1", port: 9 }]);
    await way(sshd);
    const exit = await tunnel.program.exit;
    assert.equal(exit.code, 255);
    assert.equal(assertEvents(exit, 255).code, "ssh.lost");
  }
});

/** What a normal user needs to log in to the sshd: copies of its files that this user may read. */
async function trusted(home: string): Promise<string[]> {
  const sshd = await theSshd();
  const [key, known] = [join(home, "key"), join(home, "known_hosts")];
  for (const [from, to] of [
    [sshd.keyFile, key],
    [sshd.knownHostsFile, known],
  ] as const) {
    copyFileSync(from, to);
    handOver(to);
  }
  const args = sshd.sshArgs.map((word) => (word === sshd.keyFile ? key : word));
  return ["-o", `UserKnownHostsFile=${known}`, ...args, sshd.host];
}

/** Linux can give the low ports to all, as containers often have it. */
function everybodysPorts(): false | string {
  const file = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
  const first = existsSync(file) ? Number(readFileSync(file, "utf8")) : 1024;
  return first <= 80 && "port 80 is everybody's on this machine";
}
