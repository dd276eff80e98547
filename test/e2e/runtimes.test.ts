/** The same source on Bun and on Deno does what the executable does, and the executable trusts no folder it runs in. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { expertWarnings, payloadOf, tshark } from "../kit/capture.ts";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { porthop } from "../kit/porthop.ts";
import { randomBytes, randomChunks, sha256 } from "../kit/random.ts";
import { run } from "../kit/run.ts";
import { scriptCommand } from "../kit/runtime.ts";
import { echoServer, sourceServer } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { playTarget } from "../kit/tcp-end.ts";
import { tempDirectory } from "../kit/temp.ts";
import { holdsOn } from "./outage.ts";
import { lostForGood, openTunnel } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen", "tshark"), timeout: 60_000 };
const theSshd = shared(() => startSshd());

for (const runtime of ["compiled", "bun", "deno"] as const) {
  test(`On ${runtime} a forward carries 5 MB both ways, captured and ended in good order.`, limits, async () => {
    await using target = await echoServer();
    await using tunnel = await openTunnel(await theSshd(), [target], { runtime, capture: "out.pcapng" });
    await using client = await tunnel.connect();
    const content = randomBytes(5_000_000);
    const sum = { bytes: content.length, sha256: sha256(content) };
    const sent = client.send([content]);
    await client.got(content.length);
    client.end();
    assert.deepEqual(await client.received, { ...sum, ended: true });
    await sent;
    assert.equal((await tunnel.stop()).code, 0);
    const opened = await tshark(tunnel.capture, ["--disable-protocol", "ssh", "-Y", "tcp.analysis.flags"]);
    assert.deepEqual([opened.code, opened.stderr, opened.lines], [0, "", []]);
    const legs = ["leg1-app-listener", "leg3-sshd-target"];
    const sums = legs.flatMap((leg) => (["up", "down"] as const).map((way) => payloadOf(tunnel.capture, leg, way)));
    assert.deepEqual(await Promise.all(sums), [sum, sum, sum, sum]);
  });
}

for (const runtime of ["compiled", "bun", "deno"] as const) {
  const gets = runtime === "deno" ? "gets all or a reset, and never a clean end of a part" : "gets all";
  test(`On ${runtime} a client that has ended its half and reads late ${gets}.`, limits, async () => {
    await using source = await playTarget();
    await using tunnel = await openTunnel(await theSshd(), [source], { runtime });
    await using client = await tunnel.connect();
    const target = await source.accepted();
    client.pause();
    client.end();
    await target.received;
    // More than the kernel holds for the client: porthop has something left that it cannot write yet.
    await target.send(randomChunks(8_000_000, 1));
    client.resume();
    await target.send(randomChunks(12_000_000, 2));
    target.end();
    const { bytes, ended } = await client.received;
    // Deno 2.9 gives a connection up whose other end has ended its half and does not read (src/io/README.md).
    if (runtime === "deno") assert.equal(ended, bytes === 20_000_000, `${bytes} bytes`);
    else assert.deepEqual([bytes, ended], [20_000_000, true]);
  });
}

test("On Deno a client that waits for the session is carried, and one that resets has left.", limits, () =>
  holdsOn("deno"),
);

for (const runtime of ["bun", "deno"] as const) {
  test(
    `On ${runtime} a session that is lost in mid transfer resets its clients, whatever they have ended.`,
    limits,
    async () => {
      await using sshd = await startSshd();
      await using source = await sourceServer({ bytes: 2_000_000_000 });
      await using tunnel = await openTunnel(sshd, [source], { runtime, args: lostForGood });
      const clients = await Promise.all([tunnel.connect(), tunnel.connect(), tunnel.connect()]);
      const [, ended, paused] = clients;
      for (const client of clients) await client.got(1_000_000);
      ended?.end();
      paused?.pause();
      await sshd.kill();
      assert.equal((await tunnel.program.exit).code, 255);
      paused?.resume();
      for (const client of clients) assert.equal((await client.received).ended, false);
    },
  );
}

test("Deno speaks chacha20-poly1305, where it is fastest, and its capture is as good.", limits, async () => {
  await using target = await echoServer();
  const options = { runtime: "deno", capture: "out.pcapng" } as const;
  await using tunnel = await openTunnel(await theSshd(), [target], options);
  const session = await tunnel.program.event("session", ({ state }) => state === "ready");
  assert.equal(session["cipher"], "chacha20-poly1305@openssh.com");
  await tunnel.stop();
  assert.deepEqual(await expertWarnings(tunnel.capture), []);
});

test("The executable runs no bunfig.toml and reads no .env of the folder that it is started in.", limits, async () => {
  const { folder, sprung, bait } = trap();
  const env = { TMPDIR: undefined };
  // The trap works: Bun itself walks into it.
  const [bun = "", script = ""] = scriptCommand("bun", join(folder, "script.ts"));
  const caught = await run(bun, [script], { cwd: folder, env: { PATH: "/usr/bin:/bin", HOME: folder } });
  assert.deepEqual([caught.stdout.trim(), existsSync(sprung(1))], [bait, true]);
  await using version = porthop(["--version"], { cwd: folder, env: { ...env, SPRUNG: sprung(2) } });
  assert.match((await version.exit).stdout, /^porthop \d/);
  await using demo = porthop(["demo"], { cwd: folder, env: { ...env, SPRUNG: sprung(2) } });
  const { code, stdout } = await demo.exit;
  assert.equal(code, 0);
  const [, capture = ""] = /^The capture of all three: (\S+)$/m.exec(stdout) ?? [];
  rmSync(dirname(capture), { recursive: true });
  assert.equal(capture.startsWith(bait), false);
  assert.equal(existsSync(sprung(2)), false);
});

/** A folder whose bunfig.toml runs a script that leaves a mark, and whose .env wants temporary files in `bait`. */
function trap() {
  const folder = tempDirectory("trap");
  const bait = join(folder, "bait");
  mkdirSync(bait);
  const sprung = (number: number) => join(folder, `sprung-${number}`);
  writeFileSync(join(folder, "bunfig.toml"), 'preload = ["./preload.ts"]\n');
  const leaveMark = `require("node:fs").writeFileSync(process.env.SPRUNG ?? ${JSON.stringify(sprung(1))}, "");\n`;
  writeFileSync(join(folder, "preload.ts"), leaveMark);
  writeFileSync(join(folder, ".env"), `TMPDIR=${bait}\n`);
  writeFileSync(join(folder, "script.ts"), "console.log(process.env.TMPDIR);\n");
  return { folder, bait, sprung };
}
