/**
 * How connections end, as a capture shows it: half-closed, reset, refused, many at once, on a port that is used again,
 * with keys or ciphers of another kind. Whatever happens, no reader finds fault with the file.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { payloadOf, tcpdump, tshark } from "../kit/capture.ts";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { randomBytes, sha256 } from "../kit/random.ts";
import { echoServer, freePort, lateAnswerServer } from "../kit/servers.ts";
import { startSshServer } from "../kit/ssh-server.ts";
import { startSshd } from "../kit/sshd.ts";
import { playTarget } from "../kit/tcp-end.ts";
import { openTunnel } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen", "tshark", "tcpdump"), timeout: 60_000 };
const theSshd = shared(() => startSshd());
const capture = "out.pcapng";

test("A half-close is a FIN where it happened, and what comes after it is there too.", limits, async () => {
  await using target = await playTarget();
  await using tunnel = await openTunnel(await theSshd(), [target], { capture });
  await using client = await tunnel.connect();
  await client.send("question");
  client.end();
  const far = await target.accepted();
  await far.received;
  await far.send("late answer");
  far.end();
  await client.received;
  await tunnel.stop();
  for (const leg of [1, 3]) {
    assert.deepEqual(await story(tunnel.capture, leg), ["up 8", "up FIN", "down 11", "down FIN"], `leg ${leg}`);
  }
  await assertFaultless(tunnel.capture);
});

test("A client's reset is an RST on leg 1 and on leg 3.", limits, async () => {
  await using target = await playTarget();
  await using tunnel = await openTunnel(await theSshd(), [target], { capture });
  await using client = await tunnel.connect();
  await client.send("question");
  await (await target.accepted()).got(8);
  client.reset();
  await tunnel.program.event("flow.close");
  await tunnel.stop();
  for (const leg of [1, 3]) assert.deepEqual(await story(tunnel.capture, leg), ["up 8", "up RST"], `leg ${leg}`);
  await assertFaultless(tunnel.capture, ["Connection reset (RST)"]);
});

test(
  "A server that closes a channel without an EOF is a FIN down both legs, after all that came before.",
  limits,
  async () => {
    await using server = await startSshServer({ forward: () => ({ cutAfterBytes: 8 }) });
    await using target = await playTarget();
    await using tunnel = await openTunnel(server, [target], { capture });
    await using client = await tunnel.connect();
    const far = await target.accepted();
    await far.send("begun");
    await client.got(5);
    await far.send(" and cut off");
    assert.equal((await client.received).ended, true);
    client.end();
    await tunnel.program.event("flow.close");
    await tunnel.stop();
    for (const leg of [1, 3]) {
      assert.deepEqual(await story(tunnel.capture, leg), ["down 5", "down 3", "down FIN", "up FIN"], `leg ${leg}`);
    }
    await assertFaultless(tunnel.capture);
  },
);

test("A refused target is a SYN answered by an RST on leg 3, and an RST on leg 1.", limits, async () => {
  const target = { host: "127.0.0.1", port: await freePort() };
  await using tunnel = await openTunnel(await theSshd(), [target], { capture });
  await using client = await tunnel.connect();
  assert.equal((await client.received).ended, false);
  await tunnel.stop();
  assert.deepEqual(await story(tunnel.capture, 1), ["down RST"]);
  const leg3 = await tshark(tunnel.capture, ["-Y", "frame.interface_id == 2", "-T", "fields", "-e", "tcp.flags"]);
  assert.deepEqual(leg3.lines, ["0x0002", "0x0014"]);
  await assertFaultless(tunnel.capture, ["Connection reset (RST)"]);
});

test("A target that the server prohibits leaves nothing on leg 3, and the reason on leg 1.", limits, async () => {
  await using sshd = await startSshd({ config: ["PermitOpen 127.0.0.1:1"] });
  const target = { host: "127.0.0.1", port: await freePort() };
  await using tunnel = await openTunnel(sshd, [target], { capture });
  await using client = await tunnel.connect();
  await client.received;
  await tunnel.stop();
  assert.deepEqual(await story(tunnel.capture, 3), []);
  const reset = ["-Y", "frame.interface_id == 0 && tcp.flags.reset == 1", "-T", "fields", "-e", "frame.comment"];
  assert.match((await tshark(tunnel.capture, reset)).stdout, /flow=L1#1 leg=1: .* prohibits forwarding/);
});

test("IPv6 connections have IPv6 packets on all legs.", limits, async () => {
  await using sshd = await startSshd({ host: "::1" });
  await using target = await echoServer({ host: "::1" });
  await using tunnel = await openTunnel(sshd, [target], { capture });
  await using client = await tunnel.connect(0, "::1");
  await client.send("six");
  client.end();
  await client.received;
  await tunnel.stop();
  const fields = ["-T", "fields", "-e", "frame.interface_id", "-e", "ipv6.src", "-e", "ipv6.dst", "-e", "ip.src"];
  const { lines } = await tshark(tunnel.capture, fields);
  assert.deepEqual([...new Set(lines)].sort(), ["0\t::1\t::1\t", "1\t::1\t::1\t", "2\t::1\t::1\t"]);
  await assertFaultless(tunnel.capture);
});

test("A client's port that is used again starts a connection of its own.", limits, async () => {
  await using target = await playTarget();
  await using tunnel = await openTunnel(await theSshd(), [target], { capture });
  const localPort = await freePort();
  for (const round of [0, 1]) {
    await using client = await tunnel.connect(0, "127.0.0.1", localPort);
    const far = await target.accepted(round);
    await far.send(`round ${round}`);
    // The end that ends first keeps its port for a minute: that must not be the client's.
    far.end();
    await client.received;
    client.end();
    await tunnel.program.event("flow.close", ({ flow }) => flow === `L1#${round + 1}`);
  }
  await tunnel.stop();
  const streams = await tshark(tunnel.capture, [
    "-Y",
    "frame.interface_id == 0 && tcp.flags.syn == 1 && tcp.flags.ack == 0",
  ]);
  assert.equal(streams.lines.length, 2);
  await assertFaultless(tunnel.capture, [], "tcp.analysis.reused_ports");
});

test("100 connections at the same time are 100 whole ones on leg 1 and on leg 3.", limits, async () => {
  await using target = await lateAnswerServer();
  await using tunnel = await openTunnel(await theSshd(), [target], { capture });
  const clients = await Promise.all(Array.from({ length: 100 }, () => tunnel.connect()));
  for (const [index, client] of clients.entries()) await client.send([randomBytes(10_000, index)]);
  for (const client of clients) client.end();
  for (const [index, client] of clients.entries()) {
    await client.received;
    assert.equal(client.text, `10000 ${sha256(randomBytes(10_000, index))}\n`);
  }
  await tunnel.stop();
  const fields = ["-T", "fields", "-e", "tcp.stream", "-e", "tcp.completeness"];
  const { lines } = await tshark(tunnel.capture, ["--disable-protocol", "ssh", ...fields]);
  const last = new Map(lines.map((line) => line.split("\t") as [string, string]));
  assert.deepEqual([...last.values()], Array(201).fill("31"));
  await assertFaultless(tunnel.capture);
});

for (const [what, config, args] of [
  ["Keys changed in the middle", ["RekeyLimit 256K"], []],
  ["aes128-ctr, whose packets hide their length,", [], ["-c", "aes128-ctr"]],
  ["aes256-ctr with a MAC that is not ETM", [], ["-c", "aes256-ctr", "-m", "hmac-sha2-256"]],
] as const) {
  test(`${what} make a capture that is as good as any.`, limits, async () => {
    await using sshd = await startSshd({ config });
    await using target = await echoServer();
    await using tunnel = await openTunnel(sshd, [target], { capture, args });
    await using client = await tunnel.connect();
    const bytes = randomBytes(2_000_000);
    const sent = client.send([bytes]).then(() => client.end());
    assert.equal((await client.received).sha256, sha256(bytes));
    await sent;
    await tunnel.stop();
    const sum = { bytes: bytes.length, sha256: sha256(bytes) };
    const [cipher, ...clear] = await Promise.all([
      payloadOf(tunnel.capture, "leg2-ssh"),
      payloadOf(tunnel.capture, "leg1-app-listener", "up"),
      payloadOf(tunnel.capture, "leg1-app-listener", "down"),
      payloadOf(tunnel.capture, "leg3-sshd-target", "up"),
      payloadOf(tunnel.capture, "leg3-sshd-target", "down"),
    ]);
    assert.deepEqual(clear, [sum, sum, sum, sum]);
    // A post-quantum key exchange has about 5 KB, and there is one for each packet of bulk.
    assert.ok(cipher.bytes > 2 * bytes.length && cipher.bytes < 2.3 * bytes.length, `leg 2 has ${cipher.bytes} bytes`);
    await assertFaultless(tunnel.capture);
  });
}

test("A target that only the server can name has a made-up address, and the file says its name.", limits, async () => {
  await using server = await startSshServer();
  await using target = await echoServer();
  await using tunnel = await openTunnel(server, [{ host: "localhost", port: target.port }], { capture });
  await using client = await tunnel.connect();
  await client.send("hello");
  client.end();
  await client.received;
  await tunnel.stop();
  const syn = ["-Y", "frame.interface_id == 2 && tcp.flags == 0x002", "-N", "n", "-T", "fields"];
  const told = await tshark(tunnel.capture, [...syn, "-e", "ip.dst", "-e", "ip.dst_host", "-e", "frame.comment"]);
  assert.match(
    told.stdout,
    /^198\.18\.1\.1\tlocalhost\tporthop flow=L1#1 leg=3 .* source=invented to=made-up for localhost:\d+\n$/,
  );
  await assertFaultless(tunnel.capture);
});

/** What happened on a leg after its handshake: payload and its length, FIN and RST, each by who sent it. */
async function story(file: string, leg: number): Promise<string[]> {
  const fields = ["frame.packet_flags_direction", "tcp.len", "tcp.flags.fin", "tcp.flags.reset"];
  const filter = `frame.interface_id == ${leg - 1} && (tcp.len > 0 || tcp.flags.fin == 1 || tcp.flags.reset == 1)`;
  const { lines } = await tshark(file, ["-Y", filter, "-T", "fields", ...fields.flatMap((name) => ["-e", name])]);
  return lines.map((line) => {
    const [direction, length, fin, reset] = line.split("\t");
    const what = reset === "1" ? "RST" : fin === "1" ? "FIN" : length;
    return `${direction === "0x00000002" ? "up" : "down"} ${what}`;
  });
}

/** No reader complains, no checksum is wrong, and tshark remarks nothing but what is allowed. */
async function assertFaultless(
  file: string,
  warnings: readonly string[] = [],
  allowed = "tcp.stream < 0",
): Promise<void> {
  const checks = ["tcp", "ip"].flatMap((protocol) => ["-o", `${protocol}.check_checksum:TRUE`]);
  const remarks = ["-Y", `tcp.analysis.flags && !(${allowed})`, "-z", "expert,warn"];
  const { code, lines, stderr } = await tshark(file, ["--disable-protocol", "ssh", ...checks, ...remarks]);
  const experts = lines.findIndex((line) => /^(Errors|Warns) \(/.test(line));
  const shown = (experts === -1 ? lines : lines.slice(0, experts)).filter((line) => line !== "");
  assert.deepEqual([code, stderr, shown], [0, "", []]);
  const told = lines.flatMap((line) => /^ +\d+ +\S+ +(?:TCP|IPv4) +(.*)$/.exec(line)?.[1] ?? []);
  assert.deepEqual(told, warnings);
  assert.equal((await tcpdump(file)).code, 0);
}
