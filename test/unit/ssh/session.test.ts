import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { Duplex } from "node:stream";
import { test } from "node:test";
import type { Connection } from "ssh2";
import type { Address } from "../../../src/codec/address.ts";
import { PorthopError } from "../../../src/errors.ts";
import type { Inbound } from "../../../src/flow/conn.ts";
import type { Wire } from "../../../src/plugin.ts";
import { Session, type SessionContext, type SessionSettings } from "../../../src/ssh/session.ts";
import type { DialSshd } from "../../../src/ssh/sshd-dialer.ts";
import { freezer } from "../../kit/freezer.ts";
import { ssh2 } from "../../kit/loaded-ssh2.ts";
import { LogLines } from "../../kit/log-lines.ts";
import { readAll, writeAll } from "../../kit/memory-conn.ts";
import { randomChunks, sumOf } from "../../kit/random.ts";
import { refusal } from "../../kit/refusal.ts";
import { echoServer, freePort, lateAnswerServer, resetServer, sinkServer, sourceServer } from "../../kit/servers.ts";
import { type ForwardAnswer, makeSshKey, startSshServer } from "../../kit/ssh-server.ts";
import { tellingTo } from "../../kit/telling.ts";
import { easyTrust } from "../../kit/trust.ts";

const timeout = 30_000;
const never = new AbortController().signal;
const origin = { host: "127.0.0.1", port: 33458 };

type Where = Pick<SessionSettings, "host" | "port">;

async function connect(
  { host, port }: Where,
  settings: Partial<SessionSettings> = {},
  context: Partial<SessionContext> = {},
  signal = never,
  dial?: DialSshd,
): Promise<Session> {
  return await Session.connect(
    {
      host,
      port,
      user: "anna",
      connectTimeoutMs: 10_000,
      handshakeTimeoutMs: 10_000,
      attempts: 1,
      keepAliveIntervalMs: 0,
      keepAliveCountMax: 0,
      algorithms: {},
      ...settings,
    },
    {
      trust: async () => easyTrust(),
      ...tellingTo(),
      ...context,
    },
    signal,
    dial,
  );
}

test("A session that is ready knows both ends of its TCP connection and what was negotiated.", {
  timeout,
}, async () => {
  await using server = await startSshServer({ ident: "OpenSSH_10.1" });
  const addresses: (string | undefined)[] = [];
  const session = await connect(
    server,
    { host: "localhost" },
    {
      trust: async (_ssh2, address) => {
        addresses.push(address);
        return easyTrust();
      },
    },
  );
  const { local, remote, cipher, kex, hostKey, serverSoftware } = session.facts;
  assert.deepEqual(remote, { host: "127.0.0.1", port: server.port });
  assert.ok(local !== undefined && "host" in local && local.host === "127.0.0.1" && local.port !== server.port);
  assert.match(`${cipher} ${kex} ${hostKey}`, /^\S+ curve25519-sha256\S* SHA256:\S{43}$/);
  assert.equal(serverSoftware, "OpenSSH_10.1");
  assert.deepEqual(session.leg, { from: local, to: remote, observed: true, session: "S1" });
  assert.deepEqual(addresses, ["127.0.0.1"], "for known_hosts: the address that the name turned out to be");
  await session.close();
});

test("Who watches leg 2 and throws is dropped with one warning that names it, and the session goes on.", {
  timeout,
}, async () => {
  await using server = await startSshServer();
  const log = new LogLines();
  const telling = tellingTo(log, {
    loggerFor: (plugin) => ({ ...log, warn: (text) => log.warn(`${plugin}: ${text}`) }),
  });
  const seen: string[] = [];
  telling.bus.on("wire", ({ viewFor }) => {
    viewFor("faulty").watch({
      bytes: () => {
        throw new Error("no room");
      },
    });
    viewFor("sound").watch({ ended: (direction) => void seen.push(direction) });
  });
  const session = await connect(server, {}, telling);
  await session.close();
  assert.deepEqual(log.lines, ["warn faulty: stopped watching the session: Error: no room"]);
  assert.deepEqual(seen.toSorted(), ["down", "up"]);
});

test("Who watches leg 2 is told before the first byte, sees all bytes, and both ends at the close.", {
  timeout,
}, async () => {
  await using server = await startSshServer();
  const told: string[] = [];
  const bytes = { up: "", down: "" };
  const views: Wire[] = [];
  const telling = tellingTo();
  telling.bus.on("wire", ({ viewFor }) => {
    const wire = viewFor("test");
    views.push(wire);
    wire.watch({
      opened: () => void told.push("opened"),
      bytes: (direction, chunk) => {
        if (bytes[direction] === "") told.push(`first ${direction}`);
        bytes[direction] += Buffer.from(chunk).toString("latin1");
      },
      ended: (direction) => void told.push(`ended ${direction}`),
      aborted: (by) => void told.push(`aborted ${by}`),
    });
  });
  const session = await connect(
    server,
    {},
    {
      ...telling,
      trust: async () => {
        told.push("trust");
        return easyTrust();
      },
    },
  );
  const [wire] = views;
  assert.deepEqual([wire?.host, wire?.from, wire?.to], [server.host, session.facts.local, session.facts.remote]);
  await session.close();
  assert.deepEqual(told.slice(0, 2), ["opened", "trust"], "nothing passes before there is trust");
  assert.deepEqual(told.slice(2, 4).toSorted(), ["first down", "first up"]);
  assert.deepEqual(told.slice(4).toSorted(), ["ended down", "ended up"]);
  assert.match(bytes.up, /^SSH-2\.0-/);
  assert.match(bytes.down, /^SSH-2\.0-/);
});

test("A channel carries bytes both ways and both half-closes.", { timeout }, async () => {
  await using server = await startSshServer();
  await using echo = await echoServer();
  await using late = await lateAnswerServer();
  await using source = await sourceServer({ bytes: 1_000_000, seed: 3 });
  await using sink = await sinkServer();
  const session = await connect(server);
  const open = (target: Address) => session.openChannel(target, origin, never);

  const echoed = await open({ host: "127.0.0.1", port: echo.port });
  const [, back] = await Promise.all([writeAll(echoed, [Buffer.from("hello")]), readAll(echoed)]);
  assert.equal(String(back), "hello");

  const answered = await open({ host: "127.0.0.1", port: late.port });
  await writeAll(answered, [Buffer.from("question")]);
  assert.match(String(await readAll(answered)), /^8 [0-9a-f]{64}\n$/);

  const down = await open({ host: "127.0.0.1", port: source.port });
  const got = await readAll(down);
  assert.deepEqual(await sumOf([got]), await sumOf(randomChunks(1_000_000, 3)));
  await down.end();

  const up = await open({ host: "127.0.0.1", port: sink.port });
  await writeAll(up, randomChunks(1_000_000, 4));
  assert.deepEqual(await sink.received(), { ...(await sumOf(randomChunks(1_000_000, 4))), ended: true });

  assert.deepEqual(
    server.counts.requests.map(({ srcIP, srcPort, destIP }) => [srcIP, srcPort, destIP]),
    Array.from({ length: 4 }, () => ["127.0.0.1", 33458, "127.0.0.1"]),
  );
  await server.idle();
  await session.close();
});

test("A target that says all it has at once and leaves is heard to the end, each time.", { timeout }, async () => {
  await using server = await startSshServer();
  await using source = await sourceServer(Buffer.from("short and final\n"));
  const session = await connect(server);
  for (let round = 0; round < 30; round++) {
    const conn = await session.openChannel({ host: "127.0.0.1", port: source.port }, origin, never);
    assert.equal(String(await readAll(conn)), "short and final\n");
    await conn.end();
  }
  await session.close();
});

const answers: readonly (readonly [ForwardAnswer, string, number])[] = [
  [{ refuse: 1, text: "open failed" }, "target.prohibited", 2],
  [{ refuse: 2, text: "Connection refused" }, "target.refused", 3],
  [{ refuse: 2, text: "Name or service not known" }, "target.unreachable", 3],
  [{ refuse: 3 }, "target.prohibited", 2],
  [{ refuse: 4 }, "target.prohibited", 2],
];

test("A server that does not open the channel is told with its reason, and the session goes on.", {
  timeout,
}, async () => {
  let answer: ForwardAnswer = "dial";
  await using server = await startSshServer({ forward: () => answer });
  await using echo = await echoServer();
  const session = await connect(server);
  for (const [next, code, leg] of answers) {
    answer = next;
    const error = await refusal(session.openChannel({ host: "db", port: 5432 }, origin, never));
    assert.deepEqual([error.code, error.leg], [code, leg], JSON.stringify(next));
  }
  answer = "dial";
  const conn = await session.openChannel({ host: "127.0.0.1", port: echo.port }, origin, never);
  await conn.write(Buffer.from("x"));
  assert.equal(String(await conn.read()), "x");
  await session.close();
});

test("A unix socket as the target is asked for in OpenSSH's way, of whatever server.", { timeout }, async () => {
  for (const ident of ["OpenSSH_9.2", "Go"]) {
    await using server = await startSshServer({ ident });
    const session = await connect(server);
    const error = await refusal(session.openChannel({ path: "/run/db.sock" }, { path: "" }, never));
    assert.match(error.code, /^target\./, `${ident}: ${error.message}`);
    await session.close();
  }
});

test("An origin without an address is given one: the protocol wants it.", { timeout }, async () => {
  await using server = await startSshServer();
  await using echo = await echoServer();
  const session = await connect(server);
  await session.openChannel({ host: "127.0.0.1", port: echo.port }, { path: "/run/app.sock" }, never);
  assert.deepEqual(
    server.counts.requests.map(({ srcIP, srcPort }) => [srcIP, srcPort]),
    [["127.0.0.1", 0]],
  );
  await session.close();
});

test("An abort ends the wait for a channel with its reason, and a channel that comes late is closed.", {
  timeout,
}, async () => {
  await using server = await startSshServer();
  await using echo = await echoServer();
  const session = await connect(server);
  const target = { host: "127.0.0.1", port: echo.port };
  const reason = new PorthopError("cancelled", "the client is gone");
  const gone = new AbortController();
  const opening = refusal(session.openChannel(target, origin, gone.signal));
  gone.abort(reason);
  assert.equal(await opening, reason);
  // The next is answered after the late one, which is closed by then or soon.
  const conn = await session.openChannel(target, origin, never);
  conn.abort(reason);
  await server.idle();
  assert.equal(server.counts.opened, 2);
  await session.close();
});

test("Who has left already is not dialed for.", { timeout }, async () => {
  await using server = await startSshServer();
  const session = await connect(server);
  const reason = new PorthopError("cancelled", "the client is gone");
  const gone = new AbortController();
  gone.abort(reason);
  assert.equal(await refusal(session.openChannel({ host: "db", port: 1 }, origin, gone.signal)), reason);
  await session.close();
  assert.deepEqual(server.counts.requests, []);
});

test("A session that is lost says so once, and its channels break with that reason, open ones and ones to come.", {
  timeout,
}, async () => {
  let answer: ForwardAnswer = "dial";
  await using server = await startSshServer({ forward: () => answer });
  await using echo = await echoServer();
  const target = { host: "127.0.0.1", port: echo.port };
  const session = await connect(server);
  const conn = await session.openChannel(target, origin, never);
  const reading = refusal(conn.read());
  answer = "drop";
  const opening = refusal(session.openChannel(target, origin, never));
  const reason = await session.lost;
  assert.deepEqual([reason.code, reason.leg], ["ssh.lost", 2]);
  assert.match(reason.message, new RegExp(`^lost the session with 127\\.0\\.0\\.1:${server.port}: `));
  assert.equal(await reading, reason);
  assert.equal(await opening, reason);
  assert.equal(await refusal(conn.write(Buffer.from("x"))), reason);
  assert.equal(await refusal(session.openChannel(target, origin, never)), reason);
  await session.close();
});

test("A server that just closes is a lost session too.", { timeout }, async () => {
  await using server = await startSshServer();
  await using wall = await freezer(server);
  const session = await connect(wall);
  wall.end();
  assert.equal((await session.lost).message, `lost the session with 127.0.0.1:${wall.port}: the connection was closed`);
});

test("A server that stops answering is noticed by the keep-alive.", { timeout }, async () => {
  await using server = await startSshServer();
  await using wall = await freezer(server);
  const session = await connect(wall, { keepAliveIntervalMs: 40, keepAliveCountMax: 2 });
  wall.freeze();
  const reason = await session.lost;
  assert.equal(reason.message, `lost the session with 127.0.0.1:${wall.port}: it stopped answering`);
});

test("What was delivered does not wait for channels that go on, nor for a session that is lost.", {
  timeout,
}, async () => {
  await using server = await startSshServer();
  await using echo = await echoServer();
  const session = await connect(server);
  await session.delivered();
  const open = await session.openChannel({ host: echo.host, port: echo.port }, origin, never);
  await session.delivered();
  const ended = await session.openChannel({ host: echo.host, port: echo.port }, origin, never);
  await ended.end();
  assert.equal(await ended.read(), undefined);
  await session.delivered();
  assert.equal(session.undelivered, 0);
  await writeAll(open, randomChunks(10, 1));
  server.drop();
  await session.lost;
  await session.delivered();
  await session.close();
});

test("A close says goodbye, ends the connection, and is no loss; a second one does nothing.", { timeout }, async () => {
  await using server = await startSshServer();
  await using wall = await freezer(server);
  const session = await connect(wall);
  let isLost = false;
  void session.lost.then(() => {
    isLost = true;
  });
  await session.close();
  await wall.closed;
  await session.close();
  assert.equal(isLost, false);
  const error = await refusal(session.openChannel({ host: "db", port: 1 }, origin, never));
  assert.equal(error.code, "ssh.lost");
});

test("A close does not wait for a server that no longer answers.", { timeout }, async () => {
  await using server = await startSshServer();
  await using wall = await freezer(server);
  const session = await connect(wall);
  wall.freeze();
  await session.close();
});

test("A session that does not start leaves nothing behind.", { timeout }, async () => {
  await using server = await startSshServer();
  for (const trust of [
    () => Promise.reject(new PorthopError("file.cannot-read", "no known hosts")),
    async () => easyTrust({ verify: () => Promise.reject(new PorthopError("ssh.host-key-changed", "changed")) }),
  ]) {
    await using wall = await freezer(server);
    await refusal(connect(wall, {}, { trust }));
    await wall.closed;
  }
});

test("A connection that ends before anybody listens to it is noticed at once.", { timeout }, async () => {
  const stream = new Duplex({ allowHalfOpen: true, autoDestroy: false, read() {}, write() {} });
  const dial: DialSshd = async () => ({
    ...{ stream, hop: 1, local: undefined, remote: undefined, observed: false },
    goneBy: () => undefined,
    release: async () => {},
  });
  const ended = new Promise((resolve) => stream.once("end", resolve));
  stream.push(null);
  stream.read(0);
  await ended;
  const where = { host: "nowhere.example", port: 22 };
  const { code, message } = await refusal(connect(where, { handshakeTimeoutMs: 3_600_000 }, {}, never, dial));
  assert.deepEqual([code, message], ["ssh.lost", "nowhere.example:22 closed the connection before its SSH greeting"]);
});

test("A port where nobody listens, and a name that nobody knows, are told as leg 2's.", { timeout }, async () => {
  const nobody = await refusal(connect({ host: "127.0.0.1", port: await freePort() }));
  assert.deepEqual([nobody.code, nobody.leg], ["ssh.unreachable", 2]);
  const unknown = await refusal(connect({ host: "no-such-host.invalid", port: 22 }));
  assert.deepEqual([unknown.code, unknown.leg], ["host.not-found", 2]);
});

test("A session runs nothing on the server by itself, however old its sshd is.", { timeout }, async () => {
  await using server = await startSshServer({ ident: "OpenSSH_9.2p1", exec: () => ({ code: 0 }) });
  await using echo = await echoServer();
  const session = await connect(server);
  await session.locator.start([echo.port]);
  await assert.rejects(session.listen({ host: "0.0.0.0", port: 0 }, () => {}));
  const conn = await session.openChannel({ host: "127.0.0.1", port: echo.port }, origin, never);
  await conn.write(Buffer.from("x"));
  await conn.read();
  assert.deepEqual(server.counts.commands, []);
  await session.close();
});

test("A target that resets while it is written to ends its own channel only.", { timeout }, async () => {
  await using server = await startSshServer();
  await using reset = await resetServer(10);
  await using echo = await echoServer();
  const session = await connect(server);
  const broken = await session.openChannel({ host: "127.0.0.1", port: reset.port }, origin, never);
  await broken.write(Buffer.from("ten bytes."));
  // SSH has no word for a reset: the server closes the channel.
  assert.equal((await readAll(broken)).length, 0);
  const conn = await session.openChannel({ host: "127.0.0.1", port: echo.port }, origin, never);
  await conn.write(Buffer.from("x"));
  assert.equal(String(await conn.read()), "x");
  await session.close();
});

test("A listener on the server brings in connections that break with the session.", { timeout }, async () => {
  const ssh = new ssh2.Server({ hostKeys: [makeSshKey().private] }, (connection) => {
    connection.on("error", () => {});
    connection.on("authentication", (attempt) => attempt.accept());
    connection.on("request", (accept, _reject, _name, { bindAddr }) => {
      accept?.(40_001);
      // Right behind the answer.
      connection.forwardOut(bindAddr, 40_001, "127.0.0.1", 40_000, (_error, channel) => void channel.write("hello"));
    });
    connections.push(connection);
  });
  const connections: Connection[] = [];
  await new Promise<void>((resolve) => ssh.listen(0, "127.0.0.1", resolve));
  const session = await connect({ host: "127.0.0.1", port: (ssh.address() as AddressInfo).port });
  const came = Promise.withResolvers<Inbound>();
  const listener = await session.listen({ host: "*", port: 0 }, came.resolve);
  assert.deepEqual(listener.addresses, [{ host: "*", port: 40_001 }]);
  const inbound = await came.promise;
  assert.deepEqual(inbound.leg, {
    from: { host: "127.0.0.1", port: 40_000 },
    to: { host: "127.0.0.1", port: 40_001 },
    observed: false,
  });
  const conn = await inbound.accept();
  assert.equal(String(await conn.read()), "hello");
  const reading = refusal(conn.read());
  for (const connection of connections) connection.end();
  assert.equal(await reading, await session.lost);
  assert.equal(await refusal(session.listen({ host: "*", port: 0 }, () => {})), await session.lost);
  ssh.close();
});
