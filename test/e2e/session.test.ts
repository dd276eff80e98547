/**
 * The session is lost: everybody learns it, nobody takes it for a clean end, and --reconnect never ends with 255.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { tshark } from "../kit/capture.ts";
import { builtExecutable } from "../kit/executable.ts";
import { need } from "../kit/packages.ts";
import { send } from "../kit/processes.ts";
import { randomChunks } from "../kit/random.ts";
import { echoServer, sinkServer, sourceServer } from "../kit/servers.ts";
import { startSshServer } from "../kit/ssh-server.ts";
import { type Sshd, startSshd } from "../kit/sshd.ts";
import { lostForGood, openTunnel, type Tunnel } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen", "tshark"), timeout: 60_000 };
const bytes = 2_000_000_000;

for (const [what, lose] of [
  ["sshd and all its sessions are killed", (sshd: Sshd) => sshd.kill()],
  ["sshd is stopped in good order", (sshd: Sshd) => sshd.stop()],
  ["only the session's process is killed", (sshd: Sshd) => sshd.dropSessions()],
] as const) {
  test(`In the middle of a transfer ${what}: the clients see a reset, and porthop ends.`, limits, async () => {
    await using sshd = await startSshd();
    await using source = await sourceServer({ bytes });
    await using sink = await sinkServer();
    await using tunnel = await openTunnel(sshd, [source, sink], { capture: "out.pcapng", args: lostForGood });
    await using reader = await tunnel.connect(0);
    await using writer = await tunnel.connect(1);
    const sent = writer.send(randomChunks(bytes));
    await tunnel.program.event("flow.open", ({ flow }) => flow === "L2#1");
    await reader.got(5_000_000);
    await lose(sshd);
    assert.equal((await reader.received).ended, false);
    assert.equal((await writer.received).ended, false);
    await sent;
    await endsLost(tunnel, /the connection was closed|connection reset by peer|broken pipe/);
    const closed = tunnel.program.events.filter(({ event }) => event === "flow.close");
    assert.deepEqual(
      closed.map(({ reason, error }) => [reason, (error as { code: string }).code]),
      [
        ["aborted", "ssh.lost"],
        ["aborted", "ssh.lost"],
      ],
    );
    const resets = ["-Y", "tcp.flags.reset == 1", "-T", "fields", "-e", "frame.interface_name"];
    const told = await tshark(tunnel.capture, ["--disable-protocol", "ssh", ...resets]);
    assert.deepEqual([told.code, told.stderr], [0, ""]);
    assert.deepEqual(
      told.lines.filter((name) => name !== "leg2-ssh"),
      ["leg1-app-listener", "leg1-app-listener"],
    );
  });
}

test("A server that resets the connection ends an idle tunnel too.", limits, async () => {
  await using server = await startSshServer();
  await using target = await echoServer();
  await using tunnel = await openTunnel(server, [target], { args: lostForGood });
  await using client = await tunnel.connect();
  await client.send("hello");
  await client.got(5);
  server.drop();
  assert.equal((await client.received).ended, false);
  await endsLost(tunnel, /lost the session with 127\.0\.0\.1:\d+/);
});

test(
  "A server that stops answering is given up after ServerAliveInterval, ServerAliveCountMax times.",
  limits,
  async () => {
    await using sshd = await startSshd();
    await using target = await echoServer();
    const args = [...lostForGood, "-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=1"];
    await using tunnel = await openTunnel(sshd, [target], { args });
    await using client = await tunnel.connect();
    await client.send("hello");
    await client.got(5);
    send(sshd.sessionPids(), "SIGSTOP");
    assert.equal((await client.received).ended, false);
    await endsLost(tunnel, /it stopped answering/);
  },
);

test("A server that answers is kept, however long nothing happens between two questions.", limits, async () => {
  await using sshd = await startSshd({ config: ["LogLevel DEBUG2"] });
  await using target = await echoServer();
  const args = ["-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=1"];
  await using tunnel = await openTunnel(sshd, [target], { args });
  const asked = /keepalive@openssh\.com/;
  const after = sshd.log().length;
  await sshd.logged(asked, { after });
  await sshd.logged(asked, { after: sshd.log().length });
  await using client = await tunnel.connect();
  await client.send("hello");
  await client.got(5);
});

/** The session's end is told as an error of leg 2, and is the exit code. */
async function endsLost(tunnel: Tunnel, message: RegExp): Promise<void> {
  const { code, stderr } = await tunnel.program.exit;
  assert.equal(code, 255);
  const { events } = tunnel.program;
  const told = events.filter(({ event, flow }) => (event === "session" || event === "error") && flow === undefined);
  assert.deepEqual(
    told.slice(2).map(({ event, state, code }) => [event, state ?? code]),
    [
      ["session", "lost"],
      ["error", "ssh.lost"],
    ],
  );
  const error = told.at(-1);
  assert.equal(error?.["leg"], 2);
  assert.match(error?.message ?? "", message);
  assert.ok(stderr.includes(`porthop: ${error?.message} [ssh.lost]\n`), stderr);
  assert.deepEqual([events.at(-1)?.event, events.at(-1)?.code], ["exit", 255]);
}
