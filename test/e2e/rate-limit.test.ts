/** `--rate-limit` and the chain it stands for: bytes go through unharmed, and no faster than they may. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { randomChunks, sumOf } from "../kit/random.ts";
import { sinkServer, sourceServer } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { openTunnel } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen"), timeout: 60_000 };
const theSshd = shared(() => startSshd());
const bytes = 1_200_000;

for (const args of [
  ["--rate-limit", "1MB/s"],
  ["--use", "limit:up=1MB/s,down=1MB/s"],
]) {
  test(
    `With ${args.join(" ")}, 1.2 MB take more than a second, up and down each, and arrive whole.`,
    limits,
    async () => {
      await using source = await sourceServer({ bytes, seed: 1 });
      await using sink = await sinkServer();
      await using tunnel = await openTunnel(await theSshd(), [source, sink], { args });
      // The source sends as soon as somebody is connected.
      const start = performance.now();
      await using reader = await tunnel.connect(0);
      await using writer = await tunnel.connect(1);
      const down = reader.received.then((sum) => ({ ...sum, ms: performance.now() - start }));
      const up = sink.received().then((sum) => ({ ...sum, ms: performance.now() - start }));
      reader.end();
      await writer.send(randomChunks(bytes, 2));
      writer.end();
      for (const [got, seed] of [
        [await down, 1],
        [await up, 2],
      ] as const) {
        const { ms, ...sum } = got;
        assert.deepEqual(sum, { ...(await sumOf(randomChunks(bytes, seed))), ended: true });
        assert.ok(ms > 1000, `1.2 MB of seed ${seed} took ${ms} ms`);
      }
    },
  );
}

test("One limit for all flows is shared by them.", limits, async () => {
  await using source = await sourceServer({ bytes: bytes / 2, seed: 1 });
  const args = ["--use", "limit:rate=1MB/s,per=all"];
  await using tunnel = await openTunnel(await theSshd(), [source], { args });
  const start = performance.now();
  const readers = [await tunnel.connect(), await tunnel.connect()];
  for (const reader of readers) reader.end();
  for (const reader of readers) assert.equal((await reader.received).bytes, bytes / 2);
  assert.ok(performance.now() - start > 1000);
});
