/** -R with unix sockets: on the server, here, and on both sides. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { payloadOf, tshark } from "../kit/capture.ts";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { randomBytes, sha256 } from "../kit/random.ts";
import { startSshd } from "../kit/sshd.ts";
import { removeTemp, tempDirectory } from "../kit/temp.ts";
import { assertFails } from "./failure.ts";
import { connectAt, playAt, spec } from "./place.ts";
import { openRemoteSpecs } from "./remote-tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen", "tshark"), timeout: 60_000 };
const theSshd = shared(() => startSshd());
const content = randomBytes(20_000_000, 1);

/** Reads to the end, then sends all of it back. */
async function lateEcho(path?: string) {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    const chunks: Uint8Array[] = [];
    socket.on("error", () => {});
    socket.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    socket.on("end", () => socket.end(Buffer.concat(chunks)));
  });
  await new Promise<void>((resolve) => (path ? server.listen(path, resolve) : server.listen(0, "127.0.0.1", resolve)));
  return {
    target: path ?? `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Sends, ends its half, and gives what comes back until the other end ends. */
function ask(to: { path: string } | { port: number; host: string }, sent: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ ...to, allowHalfOpen: true });
    const chunks: Uint8Array[] = [];
    socket.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    socket.on("end", () => resolve(Buffer.concat(chunks)));
    socket.on("error", reject);
    socket.end(sent);
  });
}

for (const [server, here] of [
  ["unix", "tcp"],
  ["tcp", "unix"],
  ["unix", "unix"],
] as const) {
  test(
    `-R from ${server} on the server to ${here} here carries 20 MB there and back, the answer behind the half-close.`,
    limits,
    async () => {
      const directory = tempDirectory("remote-unix");
      const path = join(directory, "far.sock");
      await using target = await lateEcho(here === "unix" ? join(directory, "near.sock") : undefined);
      const args = ["--capture", "out.pcapng"];
      const listen = server === "unix" ? path : "127.0.0.1:0";
      await using tunnel = await openRemoteSpecs(await theSshd(), [`${listen}:${target.target}`], { args });
      if (server === "unix") assert.deepEqual(tunnel.addresses(), [path]);
      const to = server === "unix" ? { path } : { host: "127.0.0.1", port: tunnel.port() };
      assert.equal(sha256(await ask(to, content)), sha256(content));
      const closed = await tunnel.program.event("flow.close");
      assert.deepEqual([closed.up, closed.down, closed.reason], [content.length, content.length, "ended"]);
      assert.equal((await tunnel.stop()).code, 0);
      const capture = join(tunnel.program.home, "out.pcapng");
      const faults = await tshark(capture, ["--disable-protocol", "ssh", "-Y", "tcp.analysis.flags"]);
      assert.deepEqual([faults.code, faults.stderr, faults.lines], [0, "", []]);
      const fields = ["-T", "fields", "-e", "frame.interface_name"];
      const { lines } = await tshark(capture, ["-Y", 'frame.comment contains "flow=R1#1"', ...fields]);
      assert.equal(lines.length, 2);
      for (const name of lines) {
        assert.deepEqual((await payloadOf(capture, name, "up")).sha256, sha256(content), name);
        assert.deepEqual((await payloadOf(capture, name, "down")).sha256, sha256(content), name);
      }
      removeTemp(directory);
    },
  );
}

test(
  "A file that is there already on the server is told, with StreamLocalBindUnlink as a cure, which cures it.",
  limits,
  async () => {
    const directory = tempDirectory("remote-unix");
    const path = join(directory, "far.sock");
    await using target = await lateEcho();
    const spec = `${path}:${target.target}`;
    await using sshd = await startSshd();
    {
      await using tunnel = await openRemoteSpecs(sshd, [spec]);
      await tunnel.stop();
    }
    // sshd leaves the file behind; it is not ours to remove.
    assert.equal(existsSync(path), true);
    await assertFails(["-R", spec, ...sshd.sshArgs, sshd.host], {
      exit: 255,
      code: "forward.refused",
      leg: 1,
      says: [`the server 127.0.0.1:${sshd.port}`, path],
      hint: /there already.*StreamLocalBindUnlink yes/,
    });
    await using willing = await startSshd({ config: ["StreamLocalBindUnlink yes"] });
    await using _tunnel = await openRemoteSpecs(willing, [spec]);
    assert.equal(String(await ask({ path }, Buffer.from("hello"))), "hello");
    removeTemp(directory);
  },
);

test(
  "A unix target that breaks off breaks the flow of a unix listener, and its client is not left hanging.",
  limits,
  async () => {
    const directory = tempDirectory("remote-unix");
    await using target = await playAt("unix");
    const path = join(directory, "far.sock");
    await using tunnel = await openRemoteSpecs(await theSshd(), [`${path}:${spec(target.place)}`]);
    await using client = await connectAt({ path });
    await client.send("hello");
    const end = await target.accepted();
    await end.got(5);
    await end[Symbol.asyncDispose]();
    await client.received;
    await client.send([randomBytes(5_000_000)]);
    assert.equal((await tunnel.program.event("flow.close")).reason, "aborted");
    removeTemp(directory);
  },
);

test("A unix target that is not there closes the client, and is told as leg 3's.", limits, async () => {
  const path = join(tempDirectory("remote-unix"), "nobody.sock");
  await using tunnel = await openRemoteSpecs(await theSshd(), [`127.0.0.1:0:${path}`]);
  assert.equal((await ask({ host: "127.0.0.1", port: tunnel.port() }, new Uint8Array(0))).length, 0);
  const error = await tunnel.program.event("error");
  assert.match(String(error.code), /^target\./);
  assert.deepEqual([error["leg"], error.message?.includes(path)], [3, true]);
  assert.equal((await tunnel.program.event("flow.close")).reason, "refused");
});
