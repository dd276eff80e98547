/**
 * Clients that leave, reset, pause, half-close and say nothing, as browsers, scripts and people do: they cost the session
 * nothing, and whoever stays beside them gets every byte. The load comes from a seed (test/kit/unkind-script.ts).
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { noMounts, startDropbear } from "../kit/dropbear.ts";
import { errandServer } from "../kit/errands.ts";
import { builtExecutable } from "../kit/executable.ts";
import { need } from "../kit/packages.ts";
import { randomChunks, sumOf } from "../kit/random.ts";
import { flood, rawServer } from "../kit/raw-server.ts";
import { freePort, sinkServer } from "../kit/servers.ts";
import { type SshServer, startSshServer } from "../kit/ssh-server.ts";
import { startSshd } from "../kit/sshd.ts";
import { unkindClients } from "../kit/unkind-clients.ts";
import { everyManner } from "../kit/unkind-script.ts";
import { openRemote, openRemoteSpecs } from "./remote-tunnel.ts";
import { notLinux, settledBytes, tidyMemory } from "./resident.ts";
import { openTunnel, type Server } from "./tunnel.ts";
import { assertUnharmed, leaveAndFollow } from "./unkind.ts";

builtExecutable();
const timeout = 60_000;
const withSshd = { skip: need("sshd", "ssh-keygen"), timeout };
const withDropbear = { skip: need("dropbear", "dropbearkey", "ssh-keygen", "unshare", "mount") || noMounts, timeout };
const seed = 20_260_801;

test("Clients of sshd that come and go as they like never cost the session.", withSshd, async () => {
  await using sshd = await startSshd();
  await using target = await errandServer();
  await using tunnel = await openTunnel(sshd, [target]);
  await assertUnharmed(tunnel, tunnel.port, { seed, clients: 300 });
});

test("A download that is cancelled does not cost the next ones the session.", withSshd, async () => {
  await using sshd = await startSshd();
  await using target = await errandServer();
  await using tunnel = await openTunnel(sshd, [target]);
  await leaveAndFollow(tunnel.program, tunnel.port, 12);
  assert.equal((await tunnel.stop()).code, 0);
});

test("Nor do clients of -R, who come and go at the server.", withSshd, async () => {
  await using sshd = await startSshd();
  await using target = await errandServer();
  const port = await freePort();
  await using tunnel = await openRemoteSpecs(sshd, [`${port}:${target.host}:${target.port}`]);
  await assertUnharmed(tunnel, port, { seed, clients: 300 });
});

test("A download that is left does not end the session with dropbear.", withDropbear, async () => {
  await using server = await startDropbear();
  await using target = await errandServer();
  await using tunnel = await openTunnel(server, [target]);
  // A target that leaves in the middle of an upload keeps its upload open through dropbear.
  await assertUnharmed(tunnel, tunnel.port, { seed, clients: 200, mix: { ...everyManner, "is-left": 0 } });
});

test("Nor does one that is left at dropbear's end of -R.", withDropbear, async () => {
  await using server = await startDropbear();
  await using target = await errandServer();
  const port = await freePort();
  await using tunnel = await openRemoteSpecs(server, [`${port}:${target.host}:${target.port}`]);
  // Downloads that are left there stay open in dropbear itself, with ssh as well.
  const mix = { ...everyManner, leaves: 0, resets: 0 };
  await assertUnharmed(tunnel, port, { seed, clients: 120, mix });
});

test("After its own CLOSE porthop sends nothing more for a channel, least of all WINDOW_ADJUST.", {
  timeout,
}, async () => {
  await using server = await startSshServer();
  await using target = await errandServer();
  await using tunnel = await openTunnel(asAnna(server), [target]);
  const mix = { leaves: 3, resets: 1, reads: 1 };
  const { broken } = await unkindClients(tunnel.port, { seed, clients: 100, mix });
  await server.idle();
  const { late } = server.counts;
  assert.equal(late.length, 0, `seed ${seed}: ${late.length} messages, first ${late.slice(0, 3).join(", ")}`);
  assert.deepEqual(broken, []);
  assert.equal((await tunnel.stop()).code, 0);
});

test("What a server sent before it closed a channel without EOF arrives whole, and then a clean end.", {
  timeout,
}, async () => {
  await using server = await startSshServer({ forward: () => "dial-and-close-without-eof" });
  await using target = await errandServer();
  await using tunnel = await openTunnel(asAnna(server), [target]);
  for (const bytes of [5, 1_000_000]) {
    const { broken } = await unkindClients(tunnel.port, {
      seed,
      clients: 40,
      mix: { reads: 1 },
      sizes: { small: bytes, large: bytes },
    });
    assert.deepEqual([broken.length, broken.slice(0, 2)], [0, []], `${bytes} bytes each`);
  }
  await assertUnharmed(tunnel, tunnel.port, { seed, clients: 200, sizes: { small: 300_000, large: 3_000_000 } });
});

test("What an origin at the server's end of -R sent before such a CLOSE arrives whole, and then a clean end.", {
  timeout,
}, async () => {
  await using server = await startSshServer({ listen: "close-without-eof" });
  await using target = await sinkServer();
  await using tunnel = await openRemote(asAnna(server), [target]);
  let index = 0;
  for (const bytes of [5, 1_000_000]) {
    const sent = await sumOf(randomChunks(bytes, seed));
    for (let round = 0; round < 20; round++) {
      await using origin = await tunnel.connect();
      await origin.send(randomChunks(bytes, seed));
      origin.end();
      assert.deepEqual(
        await target.received(index++),
        { ...sent, ended: true },
        `the origin ${index} with ${bytes} bytes`,
      );
    }
  }
  assert.equal((await tunnel.stop()).code, 0);
});

test("Readers that stand still cost what SSH's window and one buffer hold, each.", {
  ...withSshd,
  skip: withSshd.skip || notLinux,
}, async () => {
  await using sshd = await startSshd();
  await using source = await rawServer((socket) => {
    socket.resume();
    flood(socket, Buffer.alloc(65_536, 0x61));
  });
  await using tunnel = await openTunnel(sshd, [source], { args: ["--grace", "0"], env: tidyMemory });
  const { pid } = tunnel.program;
  {
    // What one busy flow leaves behind is there once, and not for each reader.
    await using first = await tunnel.connect();
    await first.got(200_000_000);
    first.reset();
  }
  await tunnel.program.event("flow.close");
  const before = await settledBytes(pid);
  const readers = await Promise.all(Array.from({ length: 20 }, () => tunnel.connect()));
  for (const reader of readers) reader.pause();
  const each = ((await settledBytes(pid)) - before) / readers.length;
  // 2 MiB of window, 1 MiB that is being written, and a quarter for what is around it are 3.4 MB.
  assert.ok(each < 4_500_000, `${(each / 1e6).toFixed(1)} MB for each reader`);
  // None of them is in the way of another.
  await using other = await tunnel.connect();
  await other.got(10_000_000);
  for (const reader of readers) reader.reset();
  await tunnel.stop();
});

function asAnna(server: SshServer): Server {
  return { host: server.host, sshArgs: ["-l", "anna", ...server.sshArgs] };
}
