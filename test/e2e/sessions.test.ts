/** Several sessions for one tunnel (--sessions): how they are made, who uses which, and what the loss of one costs. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { test } from "node:test";
import { tshark } from "../kit/capture.ts";
import { builtExecutable } from "../kit/executable.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { descendants, gone, send } from "../kit/processes.ts";
import { echoServer, freePort } from "../kit/servers.ts";
import { type Sshd, startSshd } from "../kit/sshd.ts";
import { connectTo, echoes, type TcpEnd } from "../kit/tcp-end.ts";
import { untilClosed } from "./closed-port.ts";
import { jumpWay } from "./jump-way.ts";
import { openTunnel, type Tunnel } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen", "tshark", "nc"), timeout: 60_000 };

test("They are made one after the other, also where the server lets few log in at a time.", limits, async () => {
  await using sshd = await startSshd({ config: ["MaxStartups 2", "MaxSessions 0"] });
  await using target = await echoServer();
  await using tunnel = await openTunnel(sshd, [target], { args: ["--sessions", "3"] });
  // sshd may take a moment to notice that a login is over, and turns the next one away until then.
  const steps = () =>
    tunnel.program.events.flatMap(({ event, state }) =>
      event === "reconnect" ? ["failed"] : event === "session" ? [String(state)] : [],
    );
  const areReady = () => steps().filter((step) => step === "ready").length === 3;
  await tunnel.program.event("session", areReady, { timeoutMs: 50_000 });
  for (const [index, step] of steps().entries()) assert.equal(step === "connecting", index % 2 === 0, steps().join());
  assert.equal((await tunnel.stop()).code, 0);
  assert.equal((sshd.log().match(/Received disconnect/g) ?? []).length, 3, "each is left with a goodbye");
  await gone(sshd.sessionPids());
});

test("The loss of one resets its own flows, holds no new one, and is made good.", limits, async () => {
  await using sshd = await startSshd();
  await using target = await echoServer();
  await using tunnel = await openTunnel(sshd, [target], { args: ["--sessions", "2"], capture: "out.pcapng" });
  await stands(tunnel, "S2");
  const flows: Opened[] = [];
  const isOf = (session: string) => (flow: Opened) => flow.session === session;
  // A session that is ready is prepared before it gets flows: with a capture its server is asked for addresses.
  while (!flows.some(isOf("S1")) || !flows.some(isOf("S2"))) flows.push(await opened(tunnel));
  await dropSession(sshd, tunnel, "S2");
  for (const { client } of flows.filter(isOf("S2"))) assert.equal((await client.received).ended, false);
  for (let count = 0; count < 4; count++) assert.equal(await echoes(tunnel.port), true);
  await stands(tunnel, "S3");
  await tunnel.program.stderr(/: the connection was closed; 1 other session goes on; trying again in 0\.2 s$/m);
  await tunnel.program.stderr(/^2 sessions stand after \S+ s$/m);
  for (const { client } of flows.filter(isOf("S1"))) {
    await client.send("again");
    client.end();
    assert.equal((await client.received).ended, true, "the others went on");
  }
  assert.deepEqual(
    tunnel.program.events.filter(({ event }) => event === "held"),
    [],
  );
  await tunnel.stop();
  await shownApart(tunnel.capture, flows);
});

/** Each session is in its own interface, the new one in that of the lost one, and each flow names its session. */
async function shownApart(file: string, flows: readonly Opened[]): Promise<void> {
  const fields = (...names: string[]) => names.flatMap((name) => ["-e", name]);
  const syns = ["-Y", "tcp.flags == 0x002", "-T", "fields", ...fields("frame.interface_name", "frame.comment")];
  const { lines } = await tshark(file, ["--disable-protocol", "ssh", ...syns]);
  assert.deepEqual(
    lines.filter((line) => line.startsWith("leg2-")),
    [
      "leg2-ssh\tporthop session=S1 leg=2 host=127.0.0.1",
      "leg2-ssh-s2\tporthop session=S2 leg=2 host=127.0.0.1",
      "leg2-ssh-s2\tporthop session=S3 leg=2 host=127.0.0.1",
    ],
  );
  for (const { session, flow } of flows) {
    const named = lines.filter((line) => line.includes(`flow=${flow} leg=3 `) && line.includes(` session=${session}`));
    assert.equal(named.length, 1, `${session} ${flow} in:\n${lines.join("\n")}`);
  }
  const resets = ["-Y", "tcp.flags.reset == 1", "-T", "fields", ...fields("frame.interface_name")];
  const broken = (await tshark(file, ["--disable-protocol", "ssh", ...resets])).lines;
  assert.equal(broken.filter((name) => name === "leg2-ssh").length, 0, "the first session was not broken");
  const odd = ["--disable-protocol", "ssh", "-Y", "tcp.analysis.flags"];
  assert.deepEqual((await tshark(file, odd)).lines, []);
}

test("What listens on the server moves when its session dies.", limits, async () => {
  await using sshd = await startSshd();
  await using target = await echoServer();
  const args = ["--sessions", "2", "-R", `${await freePort()}:127.0.0.1:${target.port}`];
  await using tunnel = await openTunnel(sshd, [target], { args });
  await stands(tunnel, "S2");
  const listening = await tunnel.program.event("listening", ({ forward }) => forward === "R1");
  const port = Number(/:(\d+)$/.exec(String(listening["listen"]))?.[1]);
  assert.equal(await echoes(port), true);
  await dropSession(sshd, tunnel, "S1");
  await stands(tunnel, "S3");
  const client = await untilListens(port);
  await client.send("hello");
  await client.got(5);
  client.end();
  const flow = await tunnel.program.event("flow.open", ({ flow: id }) => id === "R1#2");
  assert.equal(sessionOf(flow), "S2", "it went to the one that stood, not to the newest");
});

test("With a ProxyCommand, or a jump host, each has a way of its own, and a stop leaves nothing.", limits, async () => {
  await using sshd = await startSshd();
  await using target = await echoServer();
  const args = ["--sessions", "3", "-o", "ProxyCommand=nc %h %p"];
  await using tunnel = await openTunnel(sshd, [target], { args });
  await stands(tunnel, "S3");
  const programs = descendants(tunnel.program.pid);
  assert.equal(programs.length, 3);
  tunnel.program.signal("SIGINT");
  assert.equal((await tunnel.program.exit).code, 130);
  await gone(programs);
  await gone(sshd.sessionPids());

  await using way = await jumpWay(2);
  await using jumping = await openTunnel(way, [target], { args: ["--sessions", "2"] });
  await stands(jumping, "S4");
  const ready = jumping.program.events.filter(({ state }) => state === "ready");
  assert.deepEqual(
    ready.map(({ id, hop }) => [id, hop]),
    [
      ["S1", 1],
      ["S2", undefined],
      ["S3", 1],
      ["S4", undefined],
    ],
  );
  assert.equal((await jumping.stop()).code, 0);
  for (const each of way.sshds) await gone(each.sessionPids());
});

test("At a stop the flows of each may finish within the grace.", limits, async () => {
  await using sshd = await startSshd();
  await using target = await echoServer();
  await using tunnel = await openTunnel(sshd, [target], { args: ["--sessions", "2", "--grace", "1h"] });
  await stands(tunnel, "S2");
  const flows = [await opened(tunnel), await opened(tunnel)];
  assert.deepEqual(flows.map(({ session }) => session).sort(), ["S1", "S2"]);
  tunnel.program.signal("SIGTERM");
  await untilClosed(tunnel.port);
  for (const { client } of flows) {
    await client.send(" and after");
    client.end();
    assert.deepEqual([(await client.received).ended, client.text], [true, "hello and after"]);
  }
  assert.equal((await tunnel.program.exit).code, 0);
});

test("With -f they stand behind, and the signal to the process there ends all of them.", limits, async () => {
  await using sshd = await startSshd();
  await using target = await echoServer();
  const port = await freePort();
  const words = ["-f", "--sessions", "2", "-L", `${port}:127.0.0.1:${target.port}`];
  await using program = porthop(["run", ...words, ...sshd.sshArgs, sshd.host]);
  const { code, stderr } = await program.exit;
  assert.equal(code, 0, stderr);
  await sshd.logged(/Accepted publickey.*Accepted publickey/s);
  assert.equal(await echoes(port), true);
  const pid = Number(/pid (\d+)/.exec(stderr)?.[1]);
  send([pid], "SIGTERM");
  await gone([pid]);
  await gone(sshd.sessionPids());
  assert.equal((await sshd.logSince(0)).match(/Received disconnect/g)?.length, 2);
});

test("-W, and a command alone, have one session whatever was said, and say so.", limits, async () => {
  await using sshd = await startSshd();
  await using target = await echoServer();
  for (const [what, words, last] of [
    ["a command", [], ["cat"]],
    ["-W", ["-W", `127.0.0.1:${target.port}`], []],
  ] as const) {
    const args = ["run", "--sessions", "2", ...words, ...sshd.sshArgs, sshd.host, ...last];
    await using program = porthop(args, { stdin: { text: "hello" } });
    const { code, stdout, stderr } = await program.exit;
    assert.deepEqual([code, stdout], [0, "hello"], stderr);
    assert.match(stderr, new RegExp(`^porthop: warning: --sessions 2 has no effect: ${what} needs one session$`, "m"));
  }
  assert.equal((await sshd.logSince(0)).match(/Accepted publickey/g)?.length, 2);
});

function stands(tunnel: Tunnel, id: string): Promise<unknown> {
  return tunnel.program.event("session", (event) => event["id"] === id && event.state === "ready");
}

function sessionOf(event: { readonly [field: string]: unknown }): string {
  const legs = event["legs"] as readonly { readonly session?: string }[];
  return legs[1]?.session ?? "none";
}

/** A flow that has echoed, and its session. */
interface Opened {
  readonly client: TcpEnd;
  readonly session: string;
  readonly flow: string;
}

async function opened(tunnel: Tunnel): Promise<Opened> {
  const next = tunnel.program.nextEvent("flow.open");
  const client = await tunnel.connect();
  await client.send("hello");
  await client.got(5);
  const event = await next;
  return { client, session: sessionOf(event), flow: String(event.flow) };
}

/** Kills the server's end of one session. */
async function dropSession(sshd: Sshd, tunnel: Tunnel, id: string): Promise<void> {
  const ready = tunnel.program.events.find((event) => event["id"] === id && event.state === "ready");
  const port = Number(/:(\d+)$/.exec(String(ready?.["local"]))?.[1]);
  const inode = inodeOf(sshd.port, port);
  const pids = sshd.sessionPids().filter((pid) => holds(pid, inode));
  assert.ok(pids.length > 0, `nobody holds ${port}`);
  send(pids, "SIGKILL");
  await tunnel.program.event("session", (event) => event["id"] === id && event.state === "lost");
}

function inodeOf(port: number, peerPort: number): string {
  const hex = (number: number) => number.toString(16).toUpperCase().padStart(4, "0");
  const row = new RegExp(`:\\s\\w+:${hex(port)} \\w+:${hex(peerPort)} `);
  const line = readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .find((each) => row.test(each));
  const inode = line?.trim().split(/\s+/)[9];
  if (inode === undefined) throw new Error(`no socket from ${port} to ${peerPort}`);
  return inode;
}

function holds(pid: number, inode: string): boolean {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).some((fd) => readlinkSync(`${folder}/${fd}`) === `socket:[${inode}]`);
  } catch {
    return false;
  }
}

/** The test's own time limit bounds this. */
async function untilListens(port: number): Promise<TcpEnd> {
  for (;;) {
    const client = await connectTo(port).catch(() => undefined);
    if (client !== undefined) return client;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
