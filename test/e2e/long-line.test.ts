/**
 * Bulk transfers over a line of a long round trip, with small messages beside them, through real servers: windows grow,
 * give way and are given back, and no byte is lost or waits for ever.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Dropbear, noMounts, startDropbear } from "../kit/dropbear.ts";
import { builtExecutable } from "../kit/executable.ts";
import { longLine } from "../kit/long-line.ts";
import { need } from "../kit/packages.ts";
import { randomChunks, sumOf } from "../kit/random.ts";
import { echoServer } from "../kit/servers.ts";
import { type Sshd, startSshd } from "../kit/sshd.ts";
import { openTunnel, type Tunnel } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh", "ssh-keygen"), timeout: 120_000 };
const onDropbear = {
  ...limits,
  skip: limits.skip || need("dropbear", "dropbearkey", "unshare", "mount") || noMounts,
};
const roundTripMs = 40;

/** There and back at the same time. */
async function carry(tunnel: Tunnel, bytes: number, seed: number): Promise<void> {
  await using client = await tunnel.connect();
  await client.send(randomChunks(bytes, seed));
  client.end();
  assert.deepEqual(await client.received, { ...(await sumOf(randomChunks(bytes, seed))), ended: true });
}

/** One byte there and back, again and again, until the work is done. Tells how often. */
async function talkDuring(tunnel: Tunnel, work: Promise<unknown>): Promise<number> {
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  await using client = await tunnel.connect();
  let trips = 0;
  for (; !isDone; trips++) {
    await client.send("x");
    await client.got(trips + 1);
  }
  client.end();
  await done;
  return trips;
}

async function play(server: Sshd | Dropbear, flows: number, bytes: number): Promise<void> {
  await using echo = await echoServer();
  await using line = await longLine(server, roundTripMs / 2);
  await using tunnel = await openTunnel(line.login(server), [echo]);
  const transfers = Array.from({ length: flows }, (_each, index) => carry(tunnel, bytes, index + 1));
  const trips = await talkDuring(tunnel, Promise.all(transfers));
  assert.ok(trips > 0);
  // What was borrowed and held back for these is nobody's burden afterwards.
  await carry(tunnel, bytes, 99);
  assert.equal((await tunnel.stop()).code, 0);
}

for (const flows of [1, 4]) {
  test(
    `24 MB on each of ${flows} flows are whole there and back over a long line, with talk beside them.`,
    limits,
    async () => {
      await using sshd = await startSshd();
      await play(sshd, flows, 24_000_000);
    },
  );
}

test("It is the same with dropbear, whose windows are small.", onDropbear, async () => {
  await using dropbear = await startDropbear();
  await play(dropbear, 2, 500_000);
});
