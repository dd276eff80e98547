/** What goes on over lost sessions: a capture, plugins, renewed keys, and all of it on each runtime. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { tshark } from "../kit/capture.ts";
import { builtExecutable, builtForNode } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { needNode } from "../kit/node.ts";
import { need } from "../kit/packages.ts";
import { randomBytes, sha256 } from "../kit/random.ts";
import { echoServer, sourceServer } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { echoes } from "../kit/tcp-end.ts";
import { tempDirectory } from "../kit/temp.ts";
import { openTunnel, type Tunnel } from "./tunnel.ts";

builtExecutable();
const noNode = needNode();
if (noNode === false) builtForNode();
const missing = need("sshd", "ssh-keygen");
const limits = { skip: missing, timeout: 60_000 };
const theEcho = shared(() => echoServer());

async function comesBackWhole(tunnel: Tunnel, bytes: number): Promise<void> {
  await using client = await tunnel.connect();
  const content = randomBytes(bytes);
  const sent = client.send([content]);
  await client.got(bytes);
  client.end();
  assert.deepEqual(await client.received, { bytes, sha256: sha256(content), ended: true });
  await sent;
}

for (const runtime of ["deno", "node"] as const) {
  test(`On ${runtime} a lost session is made again, and its open connection is reset.`, {
    ...limits,
    skip: missing || (runtime === "node" && noNode),
  }, async () => {
    await using sshd = await startSshd();
    await using tunnel = await openTunnel(sshd, [await theEcho()], { runtime });
    for (const bytes of [10_000, 2_000_000]) {
      await using open = await tunnel.connect();
      await open.send("hello");
      await open.got(5);
      await sshd.dropSessions();
      assert.equal((await open.received).ended, false);
      await comesBackWhole(tunnel, bytes);
    }
    tunnel.program.signal("SIGUSR1");
    await comesBackWhole(tunnel, 10);
    const { code, stderr } = await tunnel.stop();
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^connected again after /m);
  });
}

test("With a renewal of keys for each megabyte, what is carried between losses is whole.", limits, async () => {
  await using sshd = await startSshd({ config: ["LogLevel DEBUG1"] });
  await using endless = await sourceServer({ bytes: 2_000_000_000 });
  const args = ["-o", "RekeyLimit=1M"];
  await using tunnel = await openTunnel(sshd, [await theEcho(), endless], { args });
  for (let loss = 0; loss < 4; loss++) {
    await comesBackWhole(tunnel, 4_000_000);
    // The loss comes in the middle of a download, and so of renewals.
    await using download = await tunnel.connect(1);
    await download.got(3_000_000);
    await sshd.dropSessions();
    assert.equal((await download.received).ended, false);
  }
  await comesBackWhole(tunnel, 4_000_000);
  const renewals = (sshd.log().match(/SSH2_MSG_NEWKEYS received/g)?.length ?? 0) - 5;
  assert.ok(renewals >= 10, `${renewals} renewals`);
  assert.equal((await tunnel.stop()).code, 0);
});

test("A capture goes on over lost sessions, and is one that Wireshark reads.", {
  ...limits,
  skip: missing || need("tshark"),
}, async () => {
  await using sshd = await startSshd();
  await using tunnel = await openTunnel(sshd, [await theEcho()], { capture: "out.pcapng" });
  for (let loss = 0; loss < 3; loss++) {
    await comesBackWhole(tunnel, 100_000);
    await sshd.dropSessions();
  }
  await comesBackWhole(tunnel, 100_000);
  const exit = await tunnel.stop();
  assert.equal(exit.code, 0, exit.stderr);
  assert.doesNotMatch(exit.stderr, /warning: capture/);
  // A flow that waited for its session has its bytes on all legs too.
  const { code, stderr, lines } = await tshark(tunnel.capture, [
    ...["--disable-protocol", "ssh", "-Y", "tcp.flags.syn == 1 && tcp.flags.ack == 0"],
    ...["-T", "fields", "-e", "frame.interface_name"],
  ]);
  assert.deepEqual([code, stderr], [0, ""]);
  const counts = lines.reduce((all, name) => all.set(name, (all.get(name) ?? 0) + 1), new Map<string, number>());
  assert.deepEqual([counts.get("leg1-app-listener"), counts.get("leg3-sshd-target")], [4, 4]);
});

test("A plugin is set up once in a run of several sessions, and hears of each of them.", limits, async () => {
  const folder = tempDirectory("plugin");
  const [path, heard] = [join(folder, "hearing.ts"), join(folder, "heard")];
  writeFileSync(
    path,
    `import { appendFileSync } from "node:fs";
    export default { name: "hearing", about: "x", setup(host) {
      const tell = (text) => appendFileSync(${JSON.stringify(heard)}, text + "\\n");
      tell("set up");
      host.onSession(({ id }) => tell("wire " + id));
      host.on("session", ({ state, id }) => tell(state + " " + id));
      host.on("reconnect", ({ attempt }) => tell("reconnect " + attempt));
      host.onDispose(() => tell("disposed"));
      return (flow, next) => { tell("flow " + flow.id); return next(); };
    } };`,
  );
  await using sshd = await startSshd();
  await using tunnel = await openTunnel(sshd, [await theEcho()], { args: ["--use", path] });
  assert.equal(await echoes(tunnel.port), true);
  await sshd.dropSessions();
  assert.equal(await echoes(tunnel.port), true);
  assert.equal((await tunnel.stop()).code, 0);
  // A flow may begin before its session stands.
  const all = readFileSync(heard, "utf8").trim().split("\n");
  assert.deepEqual(
    all.filter((line) => line.startsWith("flow")),
    ["flow L1#1", "flow L1#2"],
  );
  assert.deepEqual(
    all.filter((line) => !line.startsWith("flow")),
    [
      ...["set up", "connecting S1", "wire S1", "ready S1", "lost S1", "reconnect 1"],
      ...["connecting S2", "wire S2", "ready S2", "closed S2", "disposed"],
    ],
  );
});
