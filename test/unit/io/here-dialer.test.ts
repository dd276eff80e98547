import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Address } from "../../../src/codec/address.ts";
import { hereDialer } from "../../../src/io/here-dialer.ts";
import { errnoOf } from "../../../src/io/socket-failure.ts";
import { broken } from "../../kit/carried-flow.ts";
import { refusal } from "../../kit/refusal.ts";
import { freePort, lateAnswerServer } from "../../kit/servers.ts";
import { removeTemp, tempDirectory } from "../../kit/temp.ts";
import { lateSocket, staleSocket } from "../../kit/unix-socket.ts";

const folder = tempDirectory("here-dialer");
after(() => removeTemp(folder));
const never = new AbortController().signal;
const origin = { host: "192.0.2.1", port: 1 };
const dial = (target: Address, signal: AbortSignal = never) => hereDialer({}).dial(target, origin, signal);

test("A TCP target is dialed, both addresses are the socket's own, and each half ends by itself.", async () => {
  await using server = await lateAnswerServer();
  const { conn, leg } = await dial({ host: "localhost", port: server.port });
  assert.deepEqual([leg.to, leg.observed], [{ host: "127.0.0.1", port: server.port }, true]);
  assert.ok(leg.from !== undefined && "port" in leg.from && leg.from.port > 0);
  await conn.write(Buffer.from("four"));
  await conn.end();
  assert.match(Buffer.from((await conn.read()) ?? []).toString(), /^4 [0-9a-f]{64}\n$/);
  assert.equal(await conn.read(), undefined);
});

test("A unix socket is dialed, stands for both ends, and each half ends by itself.", async () => {
  const path = join(folder, "echo.sock");
  await using _server = await lateSocket(path);
  const { conn, leg } = await dial({ path });
  assert.deepEqual(leg, { from: { path }, to: { path }, observed: true });
  await conn.end();
  assert.equal(Buffer.from((await conn.read()) ?? []).toString(), "late");
  assert.equal(await conn.read(), undefined);
});

test("A port on which nobody listens refuses: leg 3, dialed from here, with the system's error as cause.", async () => {
  const port = await freePort();
  const error = await refusal(dial({ host: "127.0.0.1", port }));
  assert.deepEqual([error.code, error.leg, errnoOf(error.cause)], ["target.refused", 3, "ECONNREFUSED"]);
  assert.equal(error.message, `127.0.0.1:${port} refused the connection from here`);
  assert.match(error.hint, /this machine dialed it/);
});

test("A name that does not resolve is unreachable, and it is said who looked.", async () => {
  const error = await refusal(dial({ host: "no-such-host.invalid", port: 80 }));
  assert.deepEqual([error.code, error.leg], ["target.unreachable", 3]);
  assert.equal(error.message, "no-such-host.invalid:80 cannot be reached from here: unknown name");
  assert.match(error.hint, /this machine looks the name up/);
});

test("A family that is asked for is kept to.", async () => {
  await using server = await lateAnswerServer();
  const dialer = hereDialer({ family: 6 });
  const error = await refusal(dialer.dial({ host: "localhost", port: server.port }, origin, never));
  assert.equal(error.leg, 3);
});

test("A unix socket that is missing, that is no socket, that nobody listens on: each has its own words.", async () => {
  const missing = await refusal(dial({ path: join(folder, "none.sock") }));
  assert.deepEqual([missing.code, missing.leg], ["target.unreachable", 3]);
  assert.match(missing.message, /none\.sock cannot be reached from here: no such file or directory$/);

  const file = join(folder, "file");
  writeFileSync(file, "");
  const none = await refusal(dial({ path: file }));
  assert.match(none.message, /file cannot be reached from here: it is no socket$/);
  const below = await refusal(dial({ path: join(file, "it.sock") }));
  assert.match(below.message, /cannot be reached from here: (not a directory|ENOTDIR.*)$/);

  const path = join(folder, "stale.sock");
  await staleSocket(path);
  const stale = await refusal(dial({ path }));
  assert.deepEqual([stale.code, stale.leg], ["target.refused", 3]);
  assert.match(stale.message, /stale\.sock refused the connection from here$/);
});

test("An abort rejects with its own reason, before the dial and during it.", async () => {
  const reason = broken();
  for (const target of [{ host: "127.0.0.1", port: await freePort() }, { path: join(folder, "none.sock") }]) {
    assert.equal(await refusal(dial(target, AbortSignal.abort(reason))), reason);
  }
  const stop = new AbortController();
  const failure = refusal(dial({ host: "no-such-host.invalid", port: 80 }, stop.signal));
  stop.abort(reason);
  assert.equal(await failure, reason);
});
