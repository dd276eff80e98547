/** A line between porthop and sshd that is slower than those who use it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { faultyRelay } from "../kit/faulty-relay.ts";
import { need } from "../kit/packages.ts";
import { randomChunks, sumOf } from "../kit/random.ts";
import { sinkServer, sourceServer } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { openTunnel } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen"), timeout: 60_000 };
/** What a channel's window lets sshd send at once takes more than twice the time that an answer may take. */
const bytes = 1_800_000;
const bytesPerSecond = 500_000;
const alive = ["-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=1"];

test("A slow line that is busy is not given up by the keep-alive, though its answers are late.", limits, async () => {
  await using sshd = await startSshd();
  await using line = await faultyRelay(sshd, { bytesPerSecond });
  await using source = await sourceServer({ bytes, seed: 1 });
  await using sink = await sinkServer();
  await using tunnel = await openTunnel(line.login(sshd), [source, sink], { args: alive });
  await using reader = await tunnel.connect(0);
  await using writer = await tunnel.connect(1);
  const received = reader.received;
  await writer.send(randomChunks(bytes, 2));
  writer.end();
  assert.deepEqual(await received, { ...(await sumOf(randomChunks(bytes, 1))), ended: true }, "down");
  reader.end();
  assert.deepEqual(await sink.received(), { ...(await sumOf(randomChunks(bytes, 2))), ended: true }, "up");
  assert.equal((await tunnel.stop()).code, 0);
});
