/** A line between porthop and sshd that is slower than those who use it. */
import assert from "node:assert/strict";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { need } from "../kit/packages.ts";
import { randomChunks, sumOf } from "../kit/random.ts";
import { sinkServer, sourceServer } from "../kit/servers.ts";
import { type Sshd, startSshd } from "../kit/sshd.ts";
import { openTunnel } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen"), timeout: 60_000 };
/** What a channel's window lets sshd send at once takes more than twice the time that an answer may take. */
const bytes = 1_800_000;
const bytesPerSecond = 500_000;
const alive = ["-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=1"];

test("A slow line that is busy is not given up by the keep-alive, though its answers are late.", limits, async () => {
  await using sshd = await startSshd();
  await using line = await slowLine(sshd);
  await using source = await sourceServer({ bytes, seed: 1 });
  await using sink = await sinkServer();
  await using tunnel = await openTunnel(line, [source, sink], { args: alive });
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

/** Stands before an sshd, and lets through so many bytes a second each way. */
async function slowLine(sshd: Sshd) {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = createConnection({ host: sshd.host, port: sshd.port });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on("data", (chunk) => {
        from.pause();
        to.write(chunk);
        setTimeout(() => from.resume(), (chunk.length / bytesPerSecond) * 1000);
      });
      from.on("error", () => to.destroy());
      from.on("close", () => to.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const toIt = sshd.sshArgs.map((word) => (word === String(sshd.port) ? String(port) : word));
  return {
    host: sshd.host,
    sshArgs: [...toIt, "-o", `HostKeyAlias=[${sshd.host}]:${sshd.port}`],
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
