/**
 * RekeyLimit against real sshds: keys are renewed when the user wants it, and nothing is lost or changed by it. The
 * sshds have no limit of their own, so that each renewal is porthop's.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { type OpenSsh, opensshes } from "../kit/openssh.ts";
import { need } from "../kit/packages.ts";
import { randomChunks, sumOf } from "../kit/random.ts";
import { run } from "../kit/run.ts";
import { echoServer } from "../kit/servers.ts";
import { type Sshd, startSshd } from "../kit/sshd.ts";
import { echoes } from "../kit/tcp-end.ts";
import { openTunnel, type Tunnel } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh", "ssh-keygen"), timeout: 60_000 };
const theEcho = shared(() => echoServer());
const bytes = 8_000_000;
const isDeno = process.env["PORTHOP_TEST_RUNTIME"] === "deno";

function startTalkative(openssh: OpenSsh, config: readonly string[] = []): Promise<Sshd> {
  return startSshd({ openssh, config: ["LogLevel DEBUG1", ...config] });
}

/** How many key exchanges sshd has finished, over all connections. */
function exchanges(sshd: Sshd): number {
  return sshd.log().match(/SSH2_MSG_NEWKEYS received/g)?.length ?? 0;
}

async function assertWhole(tunnel: Tunnel, count: number, seed: number): Promise<void> {
  await using client = await tunnel.connect();
  await client.send(randomChunks(count, seed));
  client.end();
  assert.deepEqual(await client.received, { ...(await sumOf(randomChunks(count, seed))), ended: true });
}

const ways: readonly (readonly string[])[] = [
  ["-c", "aes128-gcm@openssh.com"],
  ["-c", "chacha20-poly1305@openssh.com"],
  ["-c", "aes256-ctr", "-m", "umac-64-etm@openssh.com"],
  ["-c", "aes128-ctr", "-m", "umac-128@openssh.com"],
  ["-o", "KexAlgorithms=sntrup761x25519-sha512@openssh.com"],
  ["-o", "KexAlgorithms=curve25519-sha256"],
  ...(isDeno ? [] : [["-C"], ["-C", "-c", "aes256-ctr"]]),
];

for (const openssh of opensshes()) {
  const newest = Number.parseFloat(openssh.version) >= 10 ? [["-o", "KexAlgorithms=mlkem768x25519-sha256"]] : [];
  for (const way of [...ways, ...newest]) {
    test(
      `8 MB go to sshd ${openssh.version} and back whole over a renewal for each megabyte, with ${way.join(" ")}.`,
      limits,
      async () => {
        await using sshd = await startTalkative(openssh);
        const args = ["-o", "RekeyLimit=1M", ...way];
        await using tunnel = await openTunnel(sshd, [await theEcho()], { args });
        await assertWhole(tunnel, bytes, 11);
        const renewals = exchanges(sshd) - 1;
        // What is on its way at a renewal, up to a window, goes through under the next keys.
        assert.ok(renewals >= 2 && renewals <= 16, `${renewals} renewals`);
      },
    );
  }

  test(`Connections that come while sshd ${openssh.version} changes keys get through.`, limits, async () => {
    await using sshd = await startTalkative(openssh);
    await using tunnel = await openTunnel(sshd, [await theEcho()], { args: ["-o", "RekeyLimit=64K"] });
    const bulk = assertWhole(tunnel, bytes, 12);
    for (let seed = 20; seed < 28; seed++) {
      await Promise.all([assertWhole(tunnel, 100_000, seed), assertWhole(tunnel, 1, seed)]);
    }
    await bulk;
    assert.ok(exchanges(sshd) > 8, `${exchanges(sshd)} exchanges`);
  });

  test(
    `Keys with sshd ${openssh.version} are renewed by time, and not without a byte in between.`,
    limits,
    async () => {
      await using sshd = await startTalkative(openssh);
      await using tunnel = await openTunnel(sshd, [await theEcho()], { args: ["-o", "RekeyLimit=default 1s"] });
      assert.equal(await echoes(tunnel.port), true);
      await sshd.logged(/SSH2_MSG_NEWKEYS received[\s\S]*SSH2_MSG_NEWKEYS received/);
      assert.equal(await echoes(tunnel.port), true);
      await sshd.logged(/(?:SSH2_MSG_NEWKEYS received[\s\S]*){3}/);
    },
  );

  test(`A server's renewals and ours with sshd ${openssh.version} do not disturb each other.`, limits, async () => {
    await using sshd = await startTalkative(openssh, ["RekeyLimit 1M"]);
    await using tunnel = await openTunnel(sshd, [await theEcho()], { args: ["-o", "RekeyLimit=1M"] });
    await assertWhole(tunnel, bytes, 13);
    assert.ok(exchanges(sshd) > 4, `${exchanges(sshd)} exchanges`);
  });

  test(`Without RekeyLimit 8 MB to sshd ${openssh.version} need no new keys, as with ssh.`, limits, async () => {
    await using sshd = await startTalkative(openssh);
    await using tunnel = await openTunnel(sshd, [await theEcho()]);
    await assertWhole(tunnel, bytes, 14);
    assert.equal(exchanges(sshd), 1);
    const { code } = await run(openssh.ssh, [...sshd.sshArgs, sshd.host, "head -c 8000000 /dev/zero | wc -c"]);
    assert.deepEqual([code, exchanges(sshd)], [0, 2]);
  });
}
