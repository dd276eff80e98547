/** A line between porthop and sshd that is slower than those who use it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { shellLine } from "../../src/codec/words/shell-words.ts";
import { builtExecutable } from "../kit/executable.ts";
import { faultyRelay } from "../kit/faulty-relay.ts";
import { need } from "../kit/packages.ts";
import { randomChunks, type Sum, sumOf } from "../kit/random.ts";
import { projectRoot, scriptCommand } from "../kit/runtime.ts";
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

test("Uploads that fill a very slow line for longer than answers may take are not given up.", limits, async () => {
  await using sshd = await startSshd();
  // Less than the 96 KiB after which sshd would tell that it has read: it is silent until the first upload is over.
  const each = 90_000;
  const program = join(projectRoot, "test", "kit", "slow-uplink.ts");
  const line = ["-o", `ProxyCommand=${shellLine(scriptCommand("bun", program))} %h %p 80000`];
  const patience = ["-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=4"];
  await using sink = await sinkServer();
  await using tunnel = await openTunnel(sshd, [sink], { args: [...line, ...patience] });
  const writers = await Promise.all(Array.from({ length: 9 }, () => tunnel.connect()));
  const begunMs = performance.now();
  for (const [index, writer] of writers.entries()) {
    await writer.send(randomChunks(each, index));
    writer.end();
  }
  for (const writer of writers) assert.equal((await writer.received).ended, true);
  const arrived = await Promise.all(writers.keys().map((index) => sink.received(index)));
  const sent = await Promise.all(writers.keys().map((index) => sumOf(randomChunks(each, index))));
  const inOrder = (sums: readonly Sum[]) => sums.map((sum) => JSON.stringify(sum)).sort();
  assert.deepEqual(inOrder(arrived), inOrder(sent.map((sum) => ({ ...sum, ended: true }))));
  assert.ok(performance.now() - begunMs > 8000, "the line was not slow");
  assert.equal((await tunnel.stop()).code, 0);
});
