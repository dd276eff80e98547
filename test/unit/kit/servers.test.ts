import assert from "node:assert/strict";
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { test } from "node:test";
import { randomBytes, randomChunks, sha256 } from "../../kit/random.ts";
import {
  echoServer,
  freePort,
  httpServer,
  lateAnswerServer,
  resetServer,
  sinkServer,
  sourceServer,
  stalledServer,
  type TargetServer,
} from "../../kit/servers.ts";

const timeout = 20_000;

test("The echo server gives back what it gets and ends after the peer, on IPv6 as well.", { timeout }, async () => {
  for (const host of ["127.0.0.1", "::1"] as const) {
    await using server = await echoServer({ host });
    const socket = await connect(server);
    const sent = randomBytes(1_000_000, 1);
    socket.end(sent);
    const got = await readAll(socket);
    assert.equal(sha256(got), sha256(sent));
    assert.equal(server.accepted, 1);
  }
});

test("The sink counts and hashes each connection for itself, and tells a FIN from a reset.", { timeout }, async () => {
  await using server = await sinkServer();
  const [first, second] = [await connect(server), await connect(server)];
  first.end("one");
  assert.deepEqual(await server.received(), { bytes: 3, sha256: sha256("one"), ended: true });
  second.write("second", () => second.resetAndDestroy());
  const received = await server.received(1);
  assert.equal(received.ended, false);
  assert.ok(received.bytes <= 6);
});

test("The source sends its bytes, seeded ones or given ones, and then FIN.", { timeout }, async () => {
  await using seeded = await sourceServer({ bytes: 2_000_001, seed: 7 });
  assert.equal(sha256(await readAll(await connect(seeded))), sha256(randomBytes(2_000_001, 7)));
  await using given = await sourceServer(Buffer.from("all of it"));
  assert.equal((await readAll(await connect(given))).toString(), "all of it");
});

test("The late answer comes only after the end of what was sent.", { timeout }, async () => {
  await using server = await lateAnswerServer();
  const socket = await connect(server);
  let early = 0;
  socket.on("data", () => early++);
  for (const chunk of randomChunks(300_000, 2)) socket.write(chunk);
  // A second connection goes all the way while the first is still open.
  const other = await connect(server);
  other.end("x");
  assert.equal((await readAll(other)).toString(), `1 ${sha256("x")}\n`);
  assert.equal(early, 0);
  socket.removeAllListeners("data");
  socket.end();
  assert.equal((await readAll(socket)).toString(), `300000 ${sha256(randomBytes(300_000, 2))}\n`);
});

test("The resetting server resets after the bytes it was told to wait for.", { timeout }, async () => {
  await using server = await resetServer(4);
  const socket = await connect(server);
  socket.resume();
  socket.write("123");
  socket.write("4");
  const [error] = (await once(socket, "error")) as [NodeJS.ErrnoException];
  assert.equal(error.code, "ECONNRESET");
});

test("The stalled server takes no more than the kernel's buffers until it is released.", { timeout }, async () => {
  await using server = await stalledServer();
  const socket = await connect(server);
  const bytes = 64_000_000;
  let acceptedBytes = 0;
  for (const chunk of randomChunks(bytes, 3, 1_000_000)) {
    socket.write(chunk, () => {
      acceptedBytes += chunk.length;
    });
  }
  socket.end();
  // Another connection makes the round trip that a write would need.
  await using echo = await echoServer();
  for (let turn = 0; turn < 100; turn++) {
    const probe = await connect(echo);
    probe.end("ping");
    await readAll(probe);
  }
  assert.ok(acceptedBytes < 20_000_000, `accepted ${acceptedBytes}`);
  server.release();
  assert.deepEqual(await server.received(), { bytes, sha256: sha256(randomBytes(bytes, 3)), ended: true });
});

test("The web server answers each path with its page and a header that names the path.", { timeout }, async () => {
  await using server = await httpServer("hello\n");
  const answer = await fetch(`http://${server.host}:${server.port}/a/b?c`);
  assert.deepEqual(
    [answer.status, answer.headers.get("x-porthop-path"), await answer.text()],
    [200, "/a/b?c", "hello\n"],
  );
});

test("Closing resets what is open, refuses what comes, and may be done twice.", { timeout }, async () => {
  const server = await echoServer();
  const socket = await connect(server);
  socket.resume();
  const broken = once(socket, "error");
  await server.close();
  await server.close();
  assert.equal(((await broken) as [NodeJS.ErrnoException])[0].code, "ECONNRESET");
  await assert.rejects(connect(server), { code: "ECONNREFUSED" });
});

test("On a free port nobody listens, a server can, and no port is given twice.", { timeout }, async () => {
  const ports = [await freePort(), await freePort(), await freePort("::1")];
  assert.equal(new Set(ports).size, 3);
  const [port = 0] = ports;
  await assert.rejects(connect({ host: "127.0.0.1", port }), { code: "ECONNREFUSED" });
  await using server = await echoServer({ port });
  assert.equal(server.port, port);
});

async function connect(server: Pick<TargetServer, "host" | "port">): Promise<Socket> {
  const socket = createConnection({ host: server.host, port: server.port, allowHalfOpen: true });
  await once(socket, "connect");
  return socket;
}

function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  return new Promise((resolve, reject) => {
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("end", () => {
      socket.end();
      resolve(Buffer.concat(chunks));
    });
    socket.on("error", reject);
  });
}
