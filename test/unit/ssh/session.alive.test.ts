import assert from "node:assert/strict";
import { test } from "node:test";
import { Session, type SessionSettings } from "../../../src/ssh/session.ts";
import { freezer } from "../../kit/freezer.ts";
import { randomChunks } from "../../kit/random.ts";
import { echoServer, sinkServer } from "../../kit/servers.ts";
import { startSshServer } from "../../kit/ssh-server.ts";
import { tellingTo } from "../../kit/telling.ts";
import { easyTrust } from "../../kit/trust.ts";

const timeout = 30_000;
const never = new AbortController().signal;
const origin = { host: "127.0.0.1", port: 33458 };

function connect(server: { host: string; port: number }, changes: Partial<SessionSettings> = {}): Promise<Session> {
  const { host, port } = server;
  const limits = { connectTimeoutMs: 10_000, handshakeTimeoutMs: 10_000, attempts: 1 };
  const settings = { ...limits, keepAliveIntervalMs: 0, keepAliveCountMax: 0, algorithms: {}, ...changes };
  const context = { trust: async () => easyTrust(), ...tellingTo() };
  return Session.connect({ host, port, user: "anna", ...settings }, context, never);
}

test("A probe finds out that the server no longer answers, also without a keepalive.", { timeout }, async () => {
  await using server = await startSshServer();
  await using wall = await freezer(server);
  const session = await connect(wall);
  wall.freeze();
  session.probe(100);
  session.probe(100);
  assert.equal((await session.lost).message, `lost the session with 127.0.0.1:${wall.port}: it stopped answering`);
  session.probe(1);
  await session.close();
});

test("A probe of a session that lives changes nothing, nor does one of a session that ends.", { timeout }, async () => {
  await using server = await startSshServer();
  await using echo = await echoServer();
  await using wall = await freezer(server);
  const session = await connect(wall, { rekey: { bytes: 1000, intervalMs: 0 } });
  // Each of these has a key exchange of its own before it or behind it.
  for (let round = 0; round < 20; round++) {
    session.probe(10_000);
    const conn = await session.openChannel({ host: echo.host, port: echo.port }, origin, never);
    await conn.write(Buffer.alloc(2000));
    await conn.read();
    conn.abort(new Error("enough") as never);
  }
  assert.equal(session.goneBy, undefined);
  const closing = session.close();
  session.probe(1);
  await closing;
  session.probe(1);
  await wall.closed;
});

test("A session in which a bulk transfer is under way shows far more bytes than an idle one.", {
  timeout,
}, async () => {
  await using server = await startSshServer();
  await using sink = await sinkServer();
  await using wall = await freezer(server);
  const [idle, busy] = [await connect(server), await connect(wall)];
  const conn = await busy.openChannel({ host: sink.host, port: sink.port }, origin, never);
  for (const chunk of randomChunks(1_000_000, 1)) await conn.write(chunk);
  assert.ok(busy.waiting >= 1_000_000, `${busy.waiting} bytes`);
  assert.ok(idle.waiting < 10_000, `${idle.waiting} bytes`);
  wall.end();
  await busy.lost;
  assert.equal(busy.waiting, 0);
  await idle.close();
  await busy.close();
});
