/** What `--json` tells: events in their order with the fields that README.md promises, to whoever reads them by program. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { type PorthopEvent, porthop } from "../kit/porthop.ts";
import { run } from "../kit/run.ts";
import { echoServer, freePort } from "../kit/servers.ts";
import { startSshServer } from "../kit/ssh-server.ts";
import { startSshd } from "../kit/sshd.ts";
import { openTunnel } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen"), timeout: 60_000 };
const theSshd = shared(() => startSshd());

test("The life of a tunnel with one flow is told in order, each event with all its fields.", limits, async () => {
  const sshd = await theSshd();
  await using target = await echoServer();
  await using tunnel = await openTunnel(sshd, [target, target]);
  await using client = await tunnel.connect(1);
  await client.send("hello");
  client.end();
  await client.received;
  await tunnel.program.event("flow.close");
  const { stdout } = await tunnel.stop();
  const [first, second] = tunnel.ports.map((port) => `127.0.0.1:${port}`);
  const server = { id: "S1", host: sshd.host, port: sshd.port, user: sshd.user, attempt: 1 };
  const fingerprint = (await run("ssh-keygen", ["-lf", join(sshd.directory, "host_ed25519.pub")])).stdout.split(" ")[1];
  const ready = tunnel.program.events[1];
  const facts = {
    local: ready?.["local"],
    remote: `127.0.0.1:${sshd.port}`,
    cipher: "aes128-gcm@openssh.com",
    kex: ready?.["kex"],
    hostKey: fingerprint,
  };
  assert.match(String(facts.kex), /^(?:mlkem768|sntrup761)x25519-sha\d+$/, "of OpenSSH 10, and of 9.2");
  assert.match(String(facts.local), /^127\.0\.0\.1:\d+$/);
  const listening = (forward: string, listen: string | undefined, port: number | undefined) => ({
    event: "listening",
    forward,
    kind: "local",
    listen,
    addresses: [listen, `[::1]:${port}`],
    connect: `127.0.0.1:${target.port}`,
    side: "here",
  });
  const flow = { flow: "L2#1", forward: "L2", origin: client.address, target: `127.0.0.1:${target.port}` };
  const legs = [
    { leg: 1, from: client.address, to: second, observed: true },
    { leg: 2, from: facts.local, to: facts.remote, observed: true, session: "S1" },
    { leg: 3, to: flow.target, observed: false },
  ];
  assert.deepEqual(tunnel.program.events.map(timeless), [
    { event: "session", state: "connecting", ...server },
    { event: "session", state: "ready", ...server, ...facts },
    listening("L1", first, tunnel.ports[0]),
    listening("L2", second, tunnel.ports[1]),
    { event: "ready", forwards: ["L1", "L2"] },
    { event: "flow.open", ...flow, legs },
    { event: "flow.close", ...flow, up: 5, down: 5, reason: "ended" },
    { event: "session", state: "closed", ...server, ...facts },
    { event: "exit", code: 0 },
  ]);
  assert.equal(stdout.split("\n").length, tunnel.program.events.length + 1, "each line is an event");
});

test("Times are RFC 3339 in UTC and never go back; a flow's age is in milliseconds.", limits, async () => {
  await using target = await echoServer();
  const before = Date.now();
  await using tunnel = await openTunnel(await theSshd(), [target]);
  await using client = await tunnel.connect();
  client.end();
  await client.received;
  const closed = await tunnel.program.event("flow.close");
  await tunnel.stop();
  const times = tunnel.program.events.map(({ time }) => time);
  for (const time of times) assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual(times, [...times].sort());
  assert.ok(Date.parse(times[0] ?? "") >= before && Date.parse(times.at(-1) ?? "") <= Date.now());
  const ms = closed["ms"];
  assert.ok(Number.isInteger(ms) && Number(ms) >= 0 && Number(ms) <= Date.now() - before, `ms ${ms}`);
});

for (const [what, answer, code, leg] of [
  ["refused by the target", { refuse: 2, text: "Connection refused" }, "target.refused", 3],
  ["unknown to the server", { refuse: 2, text: "Name or service not known" }, "target.unreachable", 3],
  ["prohibited by the server", { refuse: 1, text: "open failed" }, "target.prohibited", 2],
  ["too much for the server", { refuse: 4, text: "no more" }, "target.prohibited", 2],
] as const) {
  test(`A flow that is ${what} is an error with its leg, then closed as refused.`, limits, async () => {
    await using server = await startSshServer({ forward: () => answer });
    await using tunnel = await openTunnel(server, [{ host: "127.0.0.1", port: 9 }]);
    await using client = await tunnel.connect();
    assert.equal((await client.received).ended, false);
    const closed = await tunnel.program.event("flow.close");
    const error = await tunnel.program.event("error");
    const { message, hint } = error;
    assert.ok(typeof message === "string" && typeof hint === "string" && message !== "" && hint !== "");
    assert.deepEqual(timeless(error), { event: "error", code, message, hint, leg, flow: "L1#1" });
    const ends = { origin: client.address, target: "127.0.0.1:9", up: 0, down: 0 };
    assert.deepEqual(timeless(closed), {
      ...{ event: "flow.close", flow: "L1#1", forward: "L1", ...ends, reason: "refused" },
      error: { code, message, hint, leg },
    });
    const names = tunnel.program.events.map(({ event }) => event);
    assert.equal(names.includes("flow.open"), false);
    assert.ok(names.indexOf("error") < names.indexOf("flow.close"));
  });
}

test("A tunnel that never stands tells why, and its exit code is the last event.", limits, async () => {
  const port = await freePort();
  await using program = porthop(["run", "--json", "-F", "none", "-L", "2:a:1", "-p", String(port), "alice@127.0.0.1"]);
  const { code, stderr } = await program.exit;
  assert.equal(code, 255);
  const [connecting, error, exit] = program.events;
  const server = { id: "S1", host: "127.0.0.1", port, user: "alice", attempt: 1 };
  assert.deepEqual(connecting && timeless(connecting), { event: "session", state: "connecting", ...server });
  assert.deepEqual([error?.event, error?.code, error?.["leg"]], ["error", "ssh.unreachable", 2]);
  assert.deepEqual(exit && timeless(exit), { event: "exit", code: 255 });
  assert.equal(program.events.length, 3);
  assert.ok(stderr.includes(`${error?.message} [ssh.unreachable]\n  hint: ${error?.["hint"]}\n`), stderr);
});

/** Without what is different each time. */
function timeless(event: PorthopEvent): Record<string, unknown> {
  const { time, ms, ...rest } = event;
  return rest;
}
