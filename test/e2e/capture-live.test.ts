/**
 * A capture while it is made: beside a real one of the same packets, cut off by SIGKILL, read from a pipe, on a disk
 * that is full. The forward goes on whatever becomes of the capture.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { capinfos, payloadOf, tcpdump, tshark } from "../kit/capture.ts";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { findTool, need } from "../kit/packages.ts";
import { pty } from "../kit/pty.ts";
import { randomBytes, randomChunks, type Sum, sha256, sumOf } from "../kit/random.ts";
import { echoServer, sourceServer } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { connectTo, playTarget } from "../kit/tcp-end.ts";
import { removeTemp, tempDirectory } from "../kit/temp.ts";
import { dials } from "./dials.ts";
import { openTunnel, type Tunnel } from "./tunnel.ts";

builtExecutable();
const missing = need("sshd", "ssh-keygen", "tshark", "capinfos", "tcpdump", "script", "stty");
const limits = { skip: missing, timeout: 60_000 };
const theSshd = shared(() => startSshd());
const notRoot = process.getuid?.() !== 0 && "needs root, who may capture on lo";
const asRoot = { ...limits, skip: missing || notRoot };
const noNamespace = spawnSync("unshare", ["-m", "true"]).status !== 0 && "needs the right to unshare -m and to mount";

test("Beside a real capture on lo, leg 2 has the same bytes and leg 3 the same addresses.", asRoot, async () => {
  const sshd = await theSshd();
  await using target = await echoServer();
  const directory = tempDirectory("lo");
  const [real, written] = [join(directory, "real.pcap"), join(directory, "written.pcapng")];
  const filter = `tcp port ${sshd.port} or tcp port ${target.port}`;
  const tool = findTool("tcpdump") ?? "";
  await using capturing = pty([tool, "-Z", "root", "-nni", "lo", "-B", "32768", "-w", real, "--print", filter]);
  await capturing.screen(/listening on lo/);
  await using tunnel = await openTunnel(sshd, [target], { capture: "-" });
  for (const flow of [1, 2, 3]) await echoUntilLocated(tunnel, flow, randomBytes(500_000, flow));
  writeFileSync(written, (await tunnel.stop()).stdoutBytes);
  // All that went before it has been captured when this connection has.
  await using last = await connectTo(target.port);
  await capturing.screen(new RegExp(last.address.replace(":", ".").replaceAll(".", "\\.")));
  capturing.send("\u0003");
  await capturing.exit;
  assert.match(capturing.text, /\b0 packets dropped by kernel/);
  const [session = ""] = await dials(written, "frame.interface_id == 1");
  const [seen, told] = await Promise.all([said(real, session), said(written, session)]);
  assert.ok(seen.up.bytes > 1_500_000 && seen.down.bytes > 1_500_000);
  assert.deepEqual(told, seen);
  const dialed = await dials(written, "frame.interface_id == 2");
  assert.equal(dialed.length, 3);
  assert.deepEqual(
    [...dialed, `${last.address},127.0.0.1:${target.port}`],
    await dials(real, `tcp.dstport == ${target.port}`),
  );
  removeTemp(directory);
});

test(
  "After a burst of connections, of which nobody can tell which is which, leg 3 has true addresses again.",
  limits,
  async () => {
    await using target = await playTarget();
    await using tunnel = await openTunnel(await theSshd(), [target], { capture: "-" });
    // Few enough for the server of a busy machine to tell of all of them within the second that an answer may take.
    const burst = await Promise.all(Array.from({ length: 4 }, () => tunnel.connect()));
    for (const flow of burst.keys()) await tunnel.program.stdout(new RegExp(`flow=L1#${flow + 1} leg=3`));
    await using later = await tunnel.connect();
    const [comment] = await tunnel.program.stdout(/flow=L1#5 leg=3 [\w=.: -]*/);
    assert.doesNotMatch(comment, /source=invented/);
    const far = await target.accepted(burst.length);
    for (const end of [...burst, later]) end.reset();
    const file = join(tunnel.program.home, "out.pcapng");
    writeFileSync(file, (await tunnel.stop()).stdoutBytes);
    const dialed = await dials(file, 'frame.comment contains "flow=L1#5 leg=3"');
    assert.deepEqual(dialed, [`${far.peer},127.0.0.1:${target.port}`]);
  },
);

test("After SIGKILL in mid transfer, the file has all of what came before the cut.", limits, async () => {
  await using source = await sourceServer({ bytes: 2_000_000_000, seed: 4 });
  await using tunnel = await openTunnel(await theSshd(), [source], { capture: "out.pcapng" });
  await using client = await tunnel.connect();
  await client.got(20_000_000);
  tunnel.program.signal("SIGKILL");
  assert.equal((await tunnel.program.exit).signal, "SIGKILL");
  const shown = await tshark(tunnel.capture, ["--disable-protocol", "ssh", "-Y", "tcp.analysis.flags"]);
  assert.deepEqual(shown.lines, []);
  assert.match(shown.stderr, /^$|appears to have been cut short in the middle of a packet/);
  for (const leg of ["leg1-app-listener", "leg3-sshd-target"]) {
    const found = await payloadOf(tunnel.capture, leg, "down");
    assert.ok(found.bytes > 0, leg);
    assert.deepEqual(found, await sumOf(randomChunks(found.bytes, 4)), leg);
  }
});

test("SIGINT ends the file with statistics, in which nothing was lost.", limits, async () => {
  await using target = await echoServer();
  await using tunnel = await openTunnel(await theSshd(), [target], { capture: "out.pcapng" });
  assert.equal(await echoes(tunnel), true);
  tunnel.program.signal("SIGINT");
  const { code, stderr } = await tunnel.program.exit;
  assert.equal(code, 130);
  const described = (await capinfos(tunnel.capture, ["-M"])).stdout;
  assert.equal(described.match(/Number of stat entries = 1$/gm)?.length, 3);
  const { lines } = await tshark(tunnel.capture);
  assert.match(stderr, new RegExp(`^capture: ${lines.length} packets in out\\.pcapng$`, "m"));
});

test("--capture - writes the capture to stdout, and nothing else.", limits, async () => {
  await using target = await echoServer();
  await using tunnel = await openTunnel(await theSshd(), [target], { capture: "-" });
  assert.equal(await echoes(tunnel), true);
  const { stdoutBytes } = await tunnel.stop();
  const file = join(tunnel.program.home, "piped.pcapng");
  writeFileSync(file, stdoutBytes);
  const read = await tshark(file, ["-T", "fields", "-e", "frame.interface_name"]);
  assert.deepEqual([read.code, read.stderr], [0, ""]);
  assert.deepEqual([...new Set(read.lines)].sort(), ["leg1-app-listener", "leg2-ssh", "leg3-sshd-target"]);
});

test("Piped into tshark -i -, packets are shown while the forward runs.", limits, async () => {
  await using target = await echoServer();
  const payload = "-l -Q -Y 'frame.interface_id == 2 && tcp.len > 0' -T fields -e tcp.payload";
  const under = ["sh", "-c", `"$@" | ${findTool("tshark")} -i - ${payload}`, "sh"];
  // tshark keeps what it shows in a file of its own, which it leaves behind when it is killed.
  const env = { TMPDIR: tempDirectory("tshark") };
  await using tunnel = await openTunnel(await theSshd(), [target], { capture: "-", under, env });
  await using client = await tunnel.connect();
  await client.send("seen live");
  await tunnel.program.stdout(new RegExp(`${Buffer.from("seen live").toString("hex")}\n`));
  client.end();
  assert.equal((await client.received).ended, true);
});

test("When the reader of the pipe goes away, porthop says so and the forward goes on.", limits, async () => {
  await using target = await echoServer();
  const under = ["sh", "-c", '"$@" | head -c 100 >/dev/null', "sh"];
  await using tunnel = await openTunnel(await theSshd(), [target], { capture: "-", under });
  assert.equal(await echoes(tunnel, randomBytes(1_000_000)), true);
  await tunnel.program.stderr(/^porthop: warning: capture: the reader of the capture is gone: .* the forwards go on$/m);
  assert.equal(await echoes(tunnel, randomBytes(1_000_000)), true);
});

test("On a full disk the capture ends with a warning and can be read, and the forward goes on.", {
  ...limits,
  skip: missing || noNamespace,
}, async () => {
  await using target = await echoServer();
  const directory = tempDirectory("full-disk");
  const mount = `mount -t tmpfs -o size=1m tmpfs ${directory} && exec "$@"`;
  const capture = join(directory, "out.pcapng");
  const under = ["unshare", "-m", "sh", "-c", mount, "sh"];
  await using tunnel = await openTunnel(await theSshd(), [target], { capture, under });
  assert.equal(await echoes(tunnel, randomBytes(100_000, 1)), true);
  assert.equal(await echoes(tunnel, randomBytes(5_000_000, 2)), true);
  await tunnel.program.stderr(/^porthop: warning: capture: the disk is full: .* the forwards go on$/m);
  assert.equal(await echoes(tunnel, randomBytes(1_000_000, 3)), true);
  // The disk is there for nobody else, and only for as long as porthop runs.
  const copy = join(tunnel.program.home, "copy.pcapng");
  copyFileSync(`/proc/${tunnel.program.pid}/root${capture}`, copy);
  const exit = await tunnel.stop();
  assert.deepEqual([exit.code, exit.stderr.match(/warning/g)?.length], [0, 1]);
  const { code, stderr, lines } = await tshark(copy);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.ok(lines.length > 0);
  assert.equal((await tcpdump(copy)).code, 0);
  removeTemp(directory);
});

/** True when the forward brings back all that is sent through it. */
async function echoes(tunnel: Tunnel, bytes = randomBytes(1000)): Promise<boolean> {
  await using client = await tunnel.connect();
  const sent = client.send([bytes]).then(() => client.end());
  const received = await client.received;
  await sent;
  return received.sha256 === sha256(bytes);
}

/** A flow that goes on until the capture knows its addresses: shorter ones can be over before the server was asked. */
async function echoUntilLocated(tunnel: Tunnel, flow: number, bytes: Uint8Array): Promise<void> {
  await using client = await tunnel.connect();
  await client.send([bytes]);
  await client.got(bytes.length);
  await tunnel.program.stdout(new RegExp(`flow=L1#${flow} leg=3`));
  client.end();
  await client.received;
}

/** What was said on one connection, each way. The kernel sends some packets twice, even on lo: this does not count them. */
async function said(file: string, ends: string): Promise<{ readonly up: Sum; readonly down: Sum }> {
  const { lines } = await tshark(file, ["-q", "-z", `follow,tcp,raw,${ends}`]);
  const bytes = (pattern: RegExp) =>
    lines.filter((line) => pattern.test(line)).map((line) => Buffer.from(line.trim(), "hex"));
  return { up: await sumOf(bytes(/^[0-9a-f]+$/)), down: await sumOf(bytes(/^\t[0-9a-f]+$/)) };
}
