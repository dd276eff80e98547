/** What a server's configuration leaves of forwarding is used in full, and what a flow costs it is no more than with ssh. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { tshark } from "../kit/capture.ts";
import { builtExecutable } from "../kit/executable.ts";
import { need } from "../kit/packages.ts";
import type { Porthop } from "../kit/porthop.ts";
import { bytes, connectRequest, greeting5, request4a, request5 } from "../kit/proxy-bytes.ts";
import { echoServer, freePort } from "../kit/servers.ts";
import { type Sshd, startSshd } from "../kit/sshd.ts";
import { connectTo, echoes, type TcpEnd } from "../kit/tcp-end.ts";
import { answerBytes, openProxy, socks5, through } from "./proxy.ts";
import { openRemote } from "./remote-tunnel.ts";
import { assertReset } from "./reset-client.ts";
import { openTunnel } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen", "tshark"), timeout: 60_000 };

for (const sessions of [1, 0]) {
  test(`MaxSessions ${sessions} is enough for -L, -D and -R at a time, with a capture.`, limits, async () => {
    await using sshd = await startSshd({ config: [`MaxSessions ${sessions}`] });
    await using target = await echoServer();
    const [dynamic, remote] = [await freePort(), await freePort()];
    const args = ["-D", String(dynamic), "-R", `${remote}:127.0.0.1:${target.port}`];
    await using tunnel = await openTunnel(sshd, [target], { args, capture: "out.pcapng" });
    const proxy = Object.assign(tunnel.program, { port: dynamic });
    const clients: TcpEnd[] = [];
    for (let index = 0; index < 5; index++) {
      clients.push(await tunnel.connect(), await connectTo(remote), await through(proxy, "127.0.0.1", target.port));
    }
    // All fifteen are open by now.
    for (const [index, client] of clients.entries()) {
      await client.send("hello");
      await client.got(5 + (index % 3 === 2 ? answerBytes : 0));
      client.end();
    }
    for (const client of clients) assert.equal((await client.received).ended, true);
    const closed = () => tunnel.program.events.filter(({ event }) => event === "flow.close");
    await tunnel.program.event("flow.close", () => closed().length === 15);
    assert.deepEqual([...new Set(closed().map(({ reason }) => reason))], ["ended"]);
    assert.equal((await tunnel.stop()).code, 0);
    const opened = await tshark(tunnel.capture, ["--disable-protocol", "ssh", "-Y", "tcp.analysis.flags"]);
    assert.deepEqual([opened.code, opened.stderr, opened.lines], [0, "", []]);
  });
}

test("AllowTcpForwarding local leaves -L and -D, and remote leaves -R.", limits, async () => {
  await using target = await echoServer();
  await using local = await startSshd({ config: ["AllowTcpForwarding local"] });
  await using tunnel = await openTunnel(local, [target]);
  assert.equal(await echoes(tunnel.port), true);
  await using proxy = await openProxy(local);
  await (await through(proxy, "localhost", target.port))[Symbol.asyncDispose]();

  await using remote = await startSshd({ config: ["AllowTcpForwarding remote"] });
  await using reverse = await openRemote(remote, [target]);
  assert.equal(await echoes(reverse.port()), true);
  await using refused = await openTunnel(remote, [target]);
  await assertReset(refused.port);
  const error = await refused.program.event("error");
  assert.deepEqual([error.code, error["leg"]], ["target.prohibited", 2]);
  const [server, where] = [`127.0.0.1:${remote.port}`, `127.0.0.1:${target.port}`];
  assert.equal(error.message, `${server} prohibits forwarding to ${where} (reason 1: open failed)`);
  assert.match(String(error["hint"]), /AllowTcpForwarding.*PermitOpen.*key/);
  await using prohibited = await openProxy(remote);
  const { client, reply } = await socks5(prohibited, "127.0.0.1", target.port);
  await using _own = client;
  assert.equal(reply, 2);
});

test("PermitOpen lets a proxy's clients through to what it names, by name or by address.", limits, async () => {
  await using target = await echoServer();
  await using other = await echoServer();
  await using sshd = await startSshd({ config: [`PermitOpen localhost:${target.port} 127.0.0.1:*`] });
  await using proxy = await openProxy(sshd);
  for (const [host, port, expected] of [
    ["localhost", target.port, 0],
    ["127.0.0.1", target.port, 0],
    ["127.0.0.1", other.port, 0],
    ["localhost", other.port, 2],
    ["::1", target.port, 2],
  ] as const) {
    const { client, reply } = await socks5(proxy, host, port);
    await using _own = client;
    assert.equal(reply, expected, `${host}:${port}`);
  }
});

test(
  "A proxy's connection costs the same packets through ssh as one of -L, whatever its protocol.",
  limits,
  async () => {
    await using sshd = await startSshd({ config: ["LogLevel DEBUG3"] });
    await using target = await echoServer();
    const dynamic = await freePort();
    await using tunnel = await openTunnel(sshd, [target], { args: ["--no-nagle-cure", "-D", String(dynamic)] });
    // The login is over, and logged, with the first flow.
    await packetsOf(sshd, tunnel.program, tunnel.port, [], 0);
    const local = await packetsOf(sshd, tunnel.program, tunnel.port, [], 0);
    // The channel is asked for and confirmed, and both halves end. sshd does not log the packets of data.
    assert.deepEqual(local.slice(0, 2), ["receive 90", "send 91"]);
    assert.deepEqual(local.slice(2).sort(), ["receive 96", "receive 97", "send 96", "send 97"]);
    const address = [127, 0, 0, 1];
    for (const [what, request, reply] of [
      ["SOCKS5", [greeting5, request5(address, target.port)], answerBytes],
      ["SOCKS5 in one go, with a name", [bytes([], "", greeting5, request5("127.0.0.1", target.port))], answerBytes],
      ["SOCKS4a", [request4a("127.0.0.1", target.port)], 8],
      [
        "HTTP CONNECT",
        [connectRequest(`127.0.0.1:${target.port}`)],
        "HTTP/1.1 200 Connection established\r\n\r\n".length,
      ],
    ] as const) {
      const packets = await packetsOf(sshd, tunnel.program, dynamic, request, reply);
      assert.deepEqual(packets.sort(), [...local].sort(), what);
    }
  },
);

/** The types of the packets that one conversation with an echo took, as the server counts them, in order. */
async function packetsOf(
  sshd: Sshd,
  program: Porthop,
  port: number,
  request: readonly Uint8Array[],
  reply: number,
): Promise<string[]> {
  const after = sshd.log().length;
  const closed = program.nextEvent("flow.close");
  await using client = await connectTo(port);
  await client.send(request);
  await client.got(reply);
  await client.send("hello");
  await client.got(reply + 5);
  client.end();
  await client.received;
  await closed;
  await sshd.logged(/channel \d+: free: direct-tcpip/, { after });
  const packets = sshd
    .log()
    .slice(after)
    .matchAll(/(receive|send) packet: type (\d+)/g);
  // An SSH_MSG_IGNORE (2) answers a small packet where nothing else went out in time.
  return [...packets].map(([, way, type]) => `${way} ${type}`).filter((packet) => packet !== "receive 2");
}
