/** The main job: bytes through the compiled executable and a real sshd, whole, in both directions, however they end. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { payloadOf, tshark } from "../kit/capture.ts";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { randomBytes, randomChunks, sha256, sumOf } from "../kit/random.ts";
import { run } from "../kit/run.ts";
import { echoServer, freePort, httpServer, sinkServer, sourceServer, stalledServer } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { connectTo, echoes } from "../kit/tcp-end.ts";
import { assertCarriesBulk } from "./carriage.ts";
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
  await assertCarriesBulk(tunnel, sink, { bytes, seeds: [1, 2] });
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
  const opened = () => tunnel.program.events.filter(({ event }) => event === "flow.open").length;
  await tunnel.program.event("flow.open", () => opened() === 200);
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
  await assertCarriesBulk(tunnel, sink, { bytes, seeds: [7, 8] });
  const rekeys = sshd.log().match(/rekey\w* in/g)?.length ?? 0;
  assert.ok(rekeys >= 5, `sshd changed keys ${rekeys} times`);
});

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
