/** Ports that cannot be had: told with who has them or why not, and what works goes on where that was asked for. */
import assert from "node:assert/strict";
import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { echoServer, freePort } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { connectTo } from "../kit/tcp-end.ts";
import { assertEvents, assertFails, assertTold, type Failure, runToEnd } from "./failure.ts";
import { handOver, normalUser, normalUserTools } from "./normal-user.ts";
import { notLinux } from "./resident.ts";

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

test("A proxy's port that is taken is told in the same way.", { ...limits, skip: missing || notLinux }, async () => {
  const port = await freePort();
  await using _taken = await take("127.0.0.1", port);
  const { sshArgs, host } = await theSshd();
  await assertFails(["-D", String(port), ...sshArgs, host], {
    exit: 255,
    code: "listen.in-use",
    says: [`cannot listen on 127.0.0.1:${port}`, new RegExp(`already in use by \\S+ \\(pid ${process.pid}\\)$`)],
    hint: new RegExp(`${port + 1}`),
    leg: 1,
  });
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
