/**
 * sshd before 10.1 delays small writes of a target (Nagle's algorithm), and porthop answers them. Nothing runs on the
 * server for that, nor for anything else that nobody asked for: keys with a forced command are the proof.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { run } from "../kit/run.ts";
import { echoServer, freePort } from "../kit/servers.ts";
import { startSshServer } from "../kit/ssh-server.ts";
import { type Sshd, startSshd } from "../kit/sshd.ts";
import { echoes, playTarget } from "../kit/tcp-end.ts";
import { jumpWay } from "./jump-way.ts";
import { openTunnel } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen", "tshark"), timeout: 60_000 };

for (const [ident, flags] of [
  ["OpenSSH_9.2p1 Debian-2", []],
  ["OpenSSH_10.1", []],
  ["OpenSSH_9.2p1 Debian-2", ["--no-nagle-cure"]],
  ["dropbear_2022.83", []],
] as const) {
  test(`On ${ident} porthop ${["run", ...flags].join(" ")} runs no command.`, limits, async () => {
    await using server = await startSshServer({ ident, exec: () => ({ code: 0 }) });
    await using target = await echoServer();
    await using tunnel = await openTunnel(server, [target], { args: flags });
    assert.equal(await echoes(tunnel.port), true);
    await tunnel.stop();
    assert.deepEqual(server.counts.commands, []);
  });
}

/** Has an sshd's key write a line into a file instead of what is asked for. Gives whether it did. */
function force(sshd: Sshd): () => boolean {
  const trace = join(sshd.directory, "fired");
  const [line = ""] = readFileSync(sshd.authorizedKeysFile, "utf8").trim().split("\n").slice(-1);
  writeFileSync(sshd.authorizedKeysFile, `command="echo fired >> ${trace}" ${line}\n`);
  return () => existsSync(trace) || /Starting session/.test(sshd.log());
}

for (const [what, args] of [
  ["run", []],
  ["run --capture", ["--capture", "forced.pcapng"]],
  ["run --ask-server", ["--ask-server", "-R", "*:0:127.0.0.1:9"]],
  ["run --capture of -R", ["--capture", "forced.pcapng", "-R", "*:0:127.0.0.1:9"]],
] as const) {
  test(`porthop ${what} does not fire the forced command of a deploy key.`, limits, async () => {
    await using sshd = await startSshd();
    const fired = force(sshd);
    await using target = await echoServer();
    await using tunnel = await openTunnel(sshd, [target], { args });
    assert.equal(await echoes(tunnel.port), true);
    await tunnel.stop();
    assert.equal(fired(), false);
  });
}

test("porthop check does not fire the forced command of a deploy key.", limits, async () => {
  await using sshd = await startSshd();
  const fired = force(sshd);
  await using target = await echoServer();
  const forwards = ["-R", "*:0:127.0.0.1:9", "-L", `${await freePort()}:127.0.0.1:${target.port}`];
  await using check = porthop(["check", ...forwards, ...sshd.sshArgs, sshd.host]);
  assert.match((await check.exit).stdout, /L1 target/);
  assert.equal(fired(), false);
});

test(
  "On a jump host nothing runs, whatever its key's line says, and on the server behind it as asked.",
  limits,
  async () => {
    await using way = await jumpWay(2);
    const [jump] = way.sshds;
    const fired = force(jump);
    await using target = await echoServer();
    await using tunnel = await openTunnel(way, [target], { capture: "jump.pcapng" });
    assert.equal(await echoes(tunnel.port), true);
    await tunnel.stop();
    assert.equal(fired(), false);
    // The capture asks the destination from where it dialed.
    assert.match(way.destination.log(), /Starting session: command/);
  },
);

for (const flags of [[], ["--no-nagle-cure"]]) {
  test(
    `Small writes of a target come one by one, ${flags[0] ?? "with no flag"}, and sshd sees no session channel.`,
    limits,
    async () => {
      await using sshd = await startSshd();
      const before = sshd.log().length;
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
      assert.doesNotMatch(await sshd.logSince(before), /Starting session/);
    },
  );
}

/** How many SSH packets we sent and got while a target wrote these, each once the one before had come. */
async function packetsFor(writes: readonly string[]): Promise<{ readonly up: number; readonly down: number }> {
  await using sshd = await startSshd();
  await using target = await playTarget();
  const args = ["--capture-legs", "2"];
  await using tunnel = await openTunnel(sshd, [target], { args, capture: "packets.pcapng" });
  await using client = await tunnel.connect();
  const far = await target.accepted();
  let sent = 0;
  for (const write of writes) {
    await far.send(write);
    sent += write.length;
    await client.got(sent);
  }
  far.end();
  client.end();
  await tunnel.stop();
  const count = async (filter: string) => {
    const { stdout } = await run("tshark", ["-r", tunnel.capture, "-Y", `tcp.len>0 && ${filter}`]);
    return stdout.trim().split("\n").length;
  };
  return { up: await count(`tcp.dstport==${sshd.port}`), down: await count(`tcp.srcport==${sshd.port}`) };
}

test("Each small write of a target is answered with a packet.", limits, async () => {
  // Without an answer there are the login's, some twenty.
  const { up, down } = await packetsFor(Array.from({ length: 100 }, () => "x"));
  assert.ok(up > 100 && up < 150, `${up} up, ${down} down`);
});

test("The packets of a bulk flow are not answered.", limits, async () => {
  const { up, down } = await packetsFor(["y".repeat(8_000_000)]);
  // 8 MB are 245 packets at least, and open a window of 128 KiB 62 times.
  assert.ok(down > 245 && up < 130, `${up} up, ${down} down`);
});
