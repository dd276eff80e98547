import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { socketConn, socketEnds } from "../../../src/io/socket-conn.ts";
import { broken } from "../../kit/carried-flow.ts";
import { readAll, writeAll } from "../../kit/memory-conn.ts";
import { randomBytes } from "../../kit/random.ts";
import { tempDirectory } from "../../kit/temp.ts";

test("Both ends of a TCP socket are known, IPv4 and IPv6 alike, and both sides agree.", async (context) => {
  for (const host of ["127.0.0.1", "::1"]) {
    await using pair = await sockets({ host, port: 0 }).catch(() => undefined);
    if (pair === undefined) return context.skip(`this machine has no ${host}`);
    const near = socketEnds(pair.near);
    const far = socketEnds(pair.far);
    assert.ok(near !== undefined);
    assert.deepEqual(near, {
      local: { host, port: pair.near.localPort },
      remote: { host, port: pair.near.remotePort },
    });
    assert.deepEqual(far, { local: near.remote, remote: near.local });
  }
});

test("An IPv4 client of a listener for all families is shown with its IPv4 address.", async (context) => {
  await using pair = await sockets({ host: "::", port: 0 }, "127.0.0.1").catch(() => undefined);
  if (pair === undefined) return context.skip("this machine has no IPv6");
  assert.deepEqual(socketEnds(pair.far)?.remote, { host: "127.0.0.1", port: pair.near.localPort });
});

test("A socket that is gone already has no ends.", async () => {
  await using pair = await sockets({ host: "127.0.0.1", port: 0 });
  pair.near.destroy();
  await once(pair.near, "close");
  assert.equal(socketEnds(pair.near), undefined);
});

test("A TCP socket is broken by an RST.", async () => {
  await using pair = await sockets({ host: "127.0.0.1", port: 0 });
  const conn = socketConn(pair.near, 1, { host: "127.0.0.1", port: 1 });
  const failure = new Promise<NodeJS.ErrnoException>((resolve) => pair.far.once("error", resolve));
  pair.far.resume();
  conn.abort(broken());
  assert.equal((await failure).code, "ECONNRESET");
});

test("A TCP socket that fails here is an RST for a peer that is still there, and tells its reason.", async () => {
  await using pair = await sockets({ host: "127.0.0.1", port: 0 });
  const conn = socketConn(pair.near, 1, { host: "127.0.0.1", port: 1 });
  const failure = new Promise<NodeJS.ErrnoException>((resolve) => pair.far.once("error", resolve));
  pair.far.resume();
  // As a runtime does with a write that failed.
  pair.near.destroy(Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
  await assert.rejects(conn.read(), /broken pipe/);
  assert.equal((await failure).code, "ECONNRESET");
});

test("Small writes are not held back for the peer's acknowledgement.", async () => {
  await using pair = await sockets({ host: "127.0.0.1", port: 0 });
  let noDelay: boolean | undefined;
  const { setNoDelay } = pair.near;
  pair.near.setNoDelay = (on) => {
    noDelay = on;
    return setNoDelay.call(pair.near, on);
  };
  socketConn(pair.near, 1, { host: "127.0.0.1", port: 1 });
  assert.equal(noDelay, true);
});

test("A unix socket carries, half-closes and breaks too, and its far end is named by its path.", async () => {
  const path = join(tempDirectory("socket"), "s");
  await using pair = await sockets({ path });
  assert.equal(socketEnds(pair.near), undefined);
  const near = socketConn(pair.near, 1, { path });
  const far = socketConn(pair.far, 3, { path });
  await writeAll(near, [randomBytes(100_000)]);
  assert.deepEqual(Buffer.from(await readAll(far)), Buffer.from(randomBytes(100_000)));
  await far.write(randomBytes(10));
  assert.equal((await near.read())?.length, 10);

  await using broke = await sockets({ path: `${path}2` });
  const breaking = socketConn(broke.near, 1, { path });
  const other = socketConn(broke.far, 3, { path });
  await breaking.write(randomBytes(10));
  assert.equal((await other.read())?.length, 10);
  breaking.abort(broken());
  // A unix socket knows no RST: the peer sees an end, and that nobody takes what it writes.
  await assert.rejects(
    (async () => {
      assert.equal(await other.read(), undefined);
      for (let index = 0; index < 10_000; index++) await other.write(randomBytes(65_536));
    })(),
    (error: Error) => error.message.startsWith(`the connection with ${path} broke: `),
  );
});

/** Both ends of one connection, as raw sockets. */
async function sockets(
  address: { readonly host: string; readonly port: number } | { readonly path: string },
  via?: string,
) {
  const server = createServer({ allowHalfOpen: true });
  server.listen(address);
  await once(server, "listening");
  const bound = server.address();
  const target =
    bound !== null && typeof bound === "object" && "host" in address
      ? { host: via ?? address.host, port: bound.port }
      : { path: "path" in address ? address.path : "" };
  const near = connect({ ...target, allowHalfOpen: true });
  const [[far]] = (await Promise.all([once(server, "connection"), once(near, "connect")])) as [[Socket], unknown];
  // A break is an outcome that these tests ask for.
  for (const socket of [near, far]) socket.on("error", () => {});
  return {
    near,
    far,
    async [Symbol.asyncDispose]() {
      near.destroy();
      far.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
