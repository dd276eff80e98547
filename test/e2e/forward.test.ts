/** The main job: bytes through the compiled executable and a real sshd, whole, in both directions, however they end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { payloadOf, tshark } from "../kit/capture.ts";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { findTool, need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { randomBytes, randomChunks, sha256, sumOf } from "../kit/random.ts";
import { run } from "../kit/run.ts";
import {
  echoServer,
  freePort,
  httpServer,
  lateAnswerServer,
  resetServer,
  sinkServer,
  sourceServer,
  stalledServer,
} from "../kit/servers.ts";
import { startSshServer } from "../kit/ssh-server.ts";
import { startSshd } from "../kit/sshd.ts";
import { connectTo, playTarget } from "./tcp-end.ts";
import { openTunnel } from "./tunnel.ts";

builtExecutable();
const missing = need("sshd", "ssh-keygen", "curl", "tshark");
const limits = { skip: missing, timeout: 60_000 };
const notLinux = process.platform !== "linux" && "needs Linux, where all of 127.0.0.0/8 is this machine";
const theSshd = shared(() => startSshd());

test("100 MB of random bytes go down and 100 MB up with equal hashes, and the capture of it is as true.", {
  skip: missing,
  timeout: 120_000,
}, async () => {
  const bytes = 100_000_000;
  const [down, up] = [await sumOf(randomChunks(bytes, 1)), await sumOf(randomChunks(bytes, 2))];
  await using source = await sourceServer({ bytes, seed: 1 });
  await using sink = await sinkServer();
  await using tunnel = await openTunnel(await theSshd(), [source, sink], { capture: "bulk.pcapng" });
  await using reader = await tunnel.connect(0);
  await using writer = await tunnel.connect(1);
  reader.end();
  const received = reader.received;
  await writer.send(randomChunks(bytes, 2));
  writer.end();
  assert.deepEqual(await received, { ...down, ended: true });
  assert.deepEqual(await sink.received(), { ...up, ended: true });
  assert.deepEqual(await writer.received, { ...(await sumOf([])), ended: true });
  assert.equal((await tunnel.stop()).code, 0);
  const opened = await tshark(tunnel.capture);
  assert.deepEqual([opened.code, opened.stderr], [0, ""]);
  const [sourceLegs, sinkLegs] = [
    `tcp.port == ${tunnel.ports[0]} || tcp.port == ${source.port}`,
    `tcp.port == ${tunnel.ports[1]} || tcp.port == ${sink.port}`,
  ];
  for (const leg of ["leg1-app-listener", "leg3-sshd-target"]) {
    const captured = await Promise.all([
      payloadOf(tunnel.capture, leg, "down", sourceLegs),
      payloadOf(tunnel.capture, leg, "up", sinkLegs),
    ]);
    assert.deepEqual(captured, [down, up], leg);
  }
});

test("Several -L at once each lead to their own target.", limits, async () => {
  await using first = await httpServer("the first\n");
  await using second = await httpServer("the second\n");
  await using third = await httpServer("the third\n");
  await using tunnel = await openTunnel(await theSshd(), [first, second, third]);
  const pages = await Promise.all(tunnel.ports.map((port) => run("curl", ["-sS", `http://localhost:${port}/`])));
  assert.deepEqual(
    pages.map(({ stdout }) => stdout),
    ["the first\n", "the second\n", "the third\n"],
  );
});

test("curl gets a page through a forward, headers and all.", limits, async () => {
  await using web = await httpServer("a page\n");
  await using tunnel = await openTunnel(await theSshd(), [web]);
  const told = await run("curl", ["-sSi", `http://127.0.0.1:${tunnel.port}/some/path`]);
  assert.equal(told.code, 0);
  assert.match(told.stdout, /^HTTP\/1\.1 200 OK\r\n.*x-porthop-path: \/some\/path\r\n.*\r\n\r\na page\n$/is);
});

test("An IPv6 listener forwards to an IPv6 target.", limits, async () => {
  await using target = await echoServer({ host: "::1" });
  const sshd = await theSshd();
  const port = await freePort("::1");
  const args = ["run", "--json", "-L", `[::1]:${port}:[::1]:${target.port}`, ...sshd.sshArgs, sshd.host];
  await using program = porthop(args);
  const listening = await program.event("listening");
  assert.equal(listening["listen"], `[::1]:${port}`);
  await program.event("ready");
  await using client = await connectTo(port, "::1");
  await client.send("through six\n");
  client.end();
  assert.deepEqual([(await client.received).ended, client.text], [true, "through six\n"]);
  const opened = await program.event("flow.open");
  assert.match(String(opened["origin"]), /^\[::1\]:\d+$/);
  assert.equal(opened["target"], `[::1]:${target.port}`);
});

test("Without a bind address a forward is for this machine only, by IPv4 and by IPv6.", limits, async () => {
  await using target = await echoServer();
  await using tunnel = await openTunnel(await theSshd(), [target]);
  const { addresses } = await tunnel.program.event("listening");
  assert.deepEqual(addresses, [`127.0.0.1:${tunnel.port}`, `[::1]:${tunnel.port}`]);
  for (const host of ["127.0.0.1", "::1"]) assert.equal(await echoes(tunnel.port, host), true, host);
});

test("A bind address is the only one that is listened on.", { ...limits, skip: missing || notLinux }, async () => {
  await using target = await echoServer();
  await using program = await listening(["-L"], "127.0.0.2:", target.port);
  assert.deepEqual(await reachable(program.port), ["127.0.0.2"]);
});

for (const [what, flags, bind] of [
  ["* as bind address", ["-L"], "*:"],
  ["An empty bind address", ["-L"], ":"],
  ["-g", ["-g", "-L"], ""],
  ["GatewayPorts=yes", ["-o", "GatewayPorts=yes", "-L"], ""],
] as const) {
  test(`${what} listens on all addresses.`, { ...limits, skip: missing || notLinux }, async () => {
    await using target = await echoServer();
    await using program = await listening(flags, bind, target.port);
    assert.deepEqual(await reachable(program.port), ["127.0.0.1", "127.0.0.2", "::1"]);
  });
}

test("A client that ends its half gets the answer that is only given then.", limits, async () => {
  await using target = await lateAnswerServer();
  await using tunnel = await openTunnel(await theSshd(), [target]);
  await using client = await tunnel.connect();
  const question = randomBytes(1_000_000);
  await client.send([question]);
  client.end();
  assert.equal((await client.received).ended, true);
  assert.equal(client.text, `1000000 ${sha256(question)}\n`);
  const closed = await tunnel.program.event("flow.close");
  assert.deepEqual([closed.reason, closed.up, closed.down], ["ended", 1_000_000, client.text.length]);
});

test("A target that ends its half still gets what the client sends after that.", limits, async () => {
  await using target = await playTarget();
  await using tunnel = await openTunnel(await theSshd(), [target]);
  await using client = await tunnel.connect();
  const far = await target.accepted();
  await far.send("that was all\n");
  far.end();
  assert.deepEqual([(await client.received).ended, client.text], [true, "that was all\n"]);
  const late = randomBytes(1_000_000);
  await client.send([late]);
  client.end();
  assert.deepEqual(await far.received, { bytes: late.length, sha256: sha256(late), ended: true });
  assert.equal((await tunnel.program.event("flow.close")).reason, "ended");
});

test("A target that says all it has at once, and leaves, is heard to the end each time.", limits, async () => {
  await using target = await sourceServer(Buffer.from("short and final\n"));
  await using tunnel = await openTunnel(await theSshd(), [target]);
  for (let round = 0; round < 200; round++) {
    await using client = await tunnel.connect();
    client.end();
    assert.deepEqual([(await client.received).ended, client.text], [true, "short and final\n"]);
  }
});

test("A target that resets ends the client's connection, and the session goes on.", limits, async () => {
  await using target = await resetServer(10);
  await using echo = await echoServer();
  await using tunnel = await openTunnel(await theSshd(), [target, echo]);
  await using client = await tunnel.connect();
  await client.send("ten bytes.");
  await client.received;
  // SSH has no word for a reset: sshd says "no more bytes", and closes the channel when more are sent to it.
  await client.send(endless());
  const closed = await tunnel.program.event("flow.close");
  assert.equal(closed.reason, "aborted");
  assert.equal(await echoes(tunnel.ports[1] ?? 0), true);
});

test("A client that resets has its connection at the target closed, and the session goes on.", limits, async () => {
  await using target = await playTarget();
  await using tunnel = await openTunnel(await theSshd(), [target]);
  await using client = await tunnel.connect();
  await client.send("about to break\n");
  const far = await target.accepted();
  await far.got(15);
  client.reset();
  await far.received;
  const closed = await tunnel.program.event("flow.close");
  assert.deepEqual([closed.reason, (closed["error"] as { leg?: number }).leg], ["aborted", 1]);
  await using next = await tunnel.connect();
  const farNext = await target.accepted(1);
  await farNext.send("still here\n");
  await next.got(11);
});

test("Clients and targets that do not read hold up nobody else, and lose nothing.", limits, async () => {
  const bytes = 20_000_000;
  await using source = await sourceServer({ bytes, seed: 5 });
  await using stalled = await stalledServer();
  await using echo = await echoServer();
  await using tunnel = await openTunnel(await theSshd(), [source, stalled, echo]);
  await using reader = await tunnel.connect(0);
  reader.pause();
  await using writer = await tunnel.connect(1);
  const sent = writer.send(randomChunks(bytes, 6)).then(() => writer.end());
  for (let round = 0; round < 20; round++) assert.equal(await echoes(tunnel.ports[2] ?? 0), true);
  reader.resume();
  stalled.release();
  reader.end();
  assert.deepEqual(await reader.received, { ...(await sumOf(randomChunks(bytes, 5))), ended: true });
  await sent;
  assert.deepEqual(await stalled.received(), { ...(await sumOf(randomChunks(bytes, 6))), ended: true });
});

test("200 connections at the same time each get their own bytes back.", limits, async () => {
  await using target = await echoServer();
  await using tunnel = await openTunnel(await theSshd(), [target]);
  const clients = await Promise.all(Array.from({ length: 200 }, () => tunnel.connect()));
  await Promise.all(
    clients.map(async (client, index) => {
      await client.send([randomBytes(10_000, index)]);
      await client.got(10_000);
    }),
  );
  // All 200 stand before the first of them ends.
  assert.equal(tunnel.program.events.filter(({ event }) => event === "flow.open").length, 200);
  for (const client of clients) client.end();
  const received = await Promise.all(clients.map((client) => client.received));
  assert.deepEqual(
    received.map((each) => each.sha256),
    clients.map((_, index) => sha256(randomBytes(10_000, index))),
  );
});

test("Keys that the server changes in the middle leave the bytes as they are.", limits, async () => {
  const bytes = 10_000_000;
  await using sshd = await startSshd({ config: ["RekeyLimit 1M", "LogLevel DEBUG1"] });
  await using source = await sourceServer({ bytes, seed: 7 });
  await using sink = await sinkServer();
  await using tunnel = await openTunnel(sshd, [source, sink]);
  await using reader = await tunnel.connect(0);
  await using writer = await tunnel.connect(1);
  reader.end();
  const received = reader.received;
  await writer.send(randomChunks(bytes, 8));
  writer.end();
  assert.deepEqual(await received, { ...(await sumOf(randomChunks(bytes, 7))), ended: true });
  assert.deepEqual(await sink.received(), { ...(await sumOf(randomChunks(bytes, 8))), ended: true });
  const rekeys = sshd.log().match(/rekey\w* in/g)?.length ?? 0;
  assert.ok(rekeys >= 5, `sshd changed keys ${rekeys} times`);
});

for (const [ident, flags, commands] of [
  ["OpenSSH_9.2p1 Debian-2", [], ["true"]],
  ["OpenSSH_10.0", [], ["true"]],
  ["OpenSSH_10.1", [], []],
  ["OpenSSH_9.2p1 Debian-2", ["--no-nagle-cure"], []],
  ["dropbear_2022.83", [], []],
] as const) {
  const does = commands.length > 0 ? "runs `true` once" : "runs nothing";
  test(`On ${ident} porthop ${["run", ...flags].join(" ")} ${does} against delayed small writes.`, limits, async () => {
    await using server = await startSshServer({ ident, exec: () => ({ code: 0 }) });
    await using target = await echoServer();
    await using tunnel = await openTunnel(server, [target], { args: flags });
    assert.equal(await echoes(tunnel.port), true);
    await tunnel.stop();
    assert.deepEqual(server.counts.commands, commands);
  });
}

for (const [flags, sessions] of [
  [[], (await delaysSmallWrites()) ? 1 : 0],
  [["--no-nagle-cure"], 0],
] as const) {
  test(`With ${flags[0] ?? "no flag"} this machine's sshd sees ${sessions} session channels.`, limits, async () => {
    await using sshd = await startSshd();
    await using target = await playTarget();
    await using tunnel = await openTunnel(sshd, [target], { args: flags });
    await using client = await tunnel.connect();
    const far = await target.accepted();
    for (const [index, text] of ["a", "b", "c"].entries()) {
      await far.send(text);
      await client.got(index + 1);
    }
    far.end();
    client.end();
    await tunnel.stop();
    assert.equal(client.text, "abc");
    await sshd.logged(/Disconnected from user |Connection closed by /, { after: sshd.log().indexOf("Accepted") });
    assert.equal(sshd.log().match(/Starting session: command/g)?.length ?? 0, sessions);
  });
}

/** True when a fresh connection brings back what it sends. */
async function echoes(port: number, host?: string): Promise<boolean> {
  await using client = await connectTo(port, host);
  await client.send("anybody there?\n");
  client.end();
  await client.received;
  return client.text === "anybody there?\n";
}

/** Which of this machine's addresses lead through a forward. */
async function reachable(port: number): Promise<string[]> {
  const found: string[] = [];
  for (const host of ["127.0.0.1", "127.0.0.2", "::1"]) {
    if (await echoes(port, host).catch(() => false)) found.push(host);
  }
  return found;
}

async function listening(flags: readonly string[], bind: string, targetPort: number) {
  const sshd = await theSshd();
  const port = await freePort();
  const spec = `${bind}${port}:127.0.0.1:${targetPort}`;
  const program = porthop(["run", "--json", ...flags, spec, ...sshd.sshArgs, sshd.host]);
  await program.event("ready");
  return Object.assign(program, { port });
}

function* endless(): Generator<Uint8Array> {
  for (;;) yield randomBytes(1000);
}

/** sshd before 10.1, unless a session channel was opened. */
async function delaysSmallWrites(): Promise<boolean> {
  const sshd = findTool("sshd");
  const { stderr } = sshd === undefined ? { stderr: "" } : await run(sshd, ["-V"]);
  const [, major, minor] = /OpenSSH_(\d+)\.(\d+)/.exec(stderr) ?? [];
  return Number(major) * 100 + Number(minor) < 1001;
}
