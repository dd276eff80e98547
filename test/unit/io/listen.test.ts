import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { PorthopError } from "../../../src/errors.ts";
import type { Inbound } from "../../../src/flow/conn.ts";
import { listenTcp } from "../../../src/io/listen.ts";
import { broken, quiet } from "../../kit/carried-flow.ts";
import { readAll, writeAll } from "../../kit/memory-conn.ts";
import { randomBytes } from "../../kit/random.ts";
import { freePort } from "../../kit/servers.ts";
import { Waiting } from "../../kit/waiting.ts";

const hasIpv6 = await new Promise<boolean>((resolve) => {
  const probe = createServer();
  probe.once("error", () => resolve(false));
  probe.listen(0, "::1", () => probe.close(() => resolve(true)));
});
const needsIpv6 = { skip: hasIpv6 ? false : "this machine has no IPv6" };

test("localhost is 127.0.0.1 and ::1 on the same port, and both accept.", needsIpv6, async () => {
  await using opened = await listening("localhost");
  const { port } = opened;
  assert.notEqual(port, 0);
  assert.deepEqual(opened.addresses, [
    { host: "127.0.0.1", port },
    { host: "::1", port },
  ]);
  for (const host of ["127.0.0.1", "::1"]) assert.equal((await opened.visit(host)).origin.host, host);
});

test("* is every IPv4 and every IPv6 address, and IPv4 clients keep their IPv4 address.", needsIpv6, async () => {
  await using opened = await listening("*");
  assert.deepEqual(
    opened.addresses.map((address) => address.host),
    ["0.0.0.0", "::"],
  );
  for (const host of ["127.0.0.1", "127.0.0.2", "::1"].slice(process.platform === "linux" ? 0 : 1)) {
    const { inbound } = await opened.visit(host);
    assert.deepEqual(inbound.leg.to, { host, port: opened.port });
  }
});

test("A family keeps localhost and * to one address.", needsIpv6, async () => {
  const cases: readonly (readonly [string, 4 | 6, string])[] = [
    ["localhost", 4, "127.0.0.1"],
    ["localhost", 6, "::1"],
    ["*", 4, "0.0.0.0"],
    ["*", 6, "::"],
  ];
  for (const [host, family, expected] of cases) {
    await using opened = await listening(host, { family });
    assert.deepEqual(opened.addresses, [{ host: expected, port: opened.port }]);
  }
});

test("A single address is listened on alone.", async () => {
  await using opened = await listening("127.0.0.1");
  assert.deepEqual(opened.addresses, [{ host: "127.0.0.1", port: opened.port }]);
  if (hasIpv6) await assert.rejects(opened.visit("::1"), { code: "ECONNREFUSED" });
});

test("An inbound knows its origin and its leg, both seen on the socket.", async () => {
  await using opened = await listening("127.0.0.1");
  const { inbound, origin } = await opened.visit("127.0.0.1");
  assert.deepEqual(inbound.origin, origin);
  assert.deepEqual(inbound.leg, { from: origin, to: { host: "127.0.0.1", port: opened.port }, observed: true });
});

test("Where a client has arrived is true for every spelling of the listener's address.", needsIpv6, async () => {
  for (const [spelled, host] of [
    ["0:0:0:0:0:0:0:1", "::1"],
    ["::ffff:127.0.0.1", "127.0.0.1"],
    ["0::0", "::1"],
  ] as const) {
    await using opened = await listening(spelled);
    assert.deepEqual((await opened.visit(host)).inbound.leg.to, { host, port: opened.port });
  }
});

test("What a client sends before it is accepted is not lost, and half-close works both ways.", async () => {
  await using opened = await listening("127.0.0.1");
  const { inbound, socket } = await opened.visit("127.0.0.1");
  socket.end(randomBytes(100_000));
  await once(socket, "finish");
  const conn = await inbound.accept();
  assert.deepEqual(Buffer.from(await readAll(conn)), Buffer.from(randomBytes(100_000)));
  const answer = received(socket);
  await writeAll(conn, [Buffer.from("late")]);
  assert.equal(await answer, "late");
});

test("A refused inbound is reset: the client sees a break and no clean end.", async () => {
  await using opened = await listening("127.0.0.1");
  const { inbound, socket } = await opened.visit("127.0.0.1");
  const failure = new Promise<NodeJS.ErrnoException>((resolve) => socket.once("error", resolve));
  socket.resume();
  inbound.refuse(broken());
  assert.equal((await failure).code, "ECONNRESET");
});

test("close() stops accepting and frees the port, and connections that were accepted go on.", async () => {
  const opened = await listening("localhost");
  const { inbound, socket } = await opened.visit("127.0.0.1");
  const conn = await inbound.accept();
  await opened.close();
  await assert.rejects(opened.visit("127.0.0.1"), { code: "ECONNREFUSED" });
  const again = await listenTcp({ host: "localhost", port: opened.port }, () => {});
  assert.equal(again.addresses[0]?.port, opened.port);
  await again.close();
  await conn.write(Buffer.from("still here"));
  assert.equal(String((await once(socket, "data"))[0]), "still here");
  socket.destroy();
});

test("The port to try instead of the last one is a port too.", async (context) => {
  const server = createServer();
  const taken = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(65_535, "127.0.0.1", () => resolve(true));
  });
  if (!taken) return context.skip("port 65535 is somebody else's");
  const error = await refusal("127.0.0.1", 65_535);
  assert.match(error.hint, /for example 65534,/);
  server.close();
});

test("An address that is not this machine's is denied with a hint what to use instead.", async () => {
  // RFC 5737: 192.0.2.0/24 is nobody's.
  const port = await freePort();
  const error = await refusal("192.0.2.1", port);
  assert.deepEqual([error.code, error.leg], ["listen.denied", 1]);
  assert.equal(error.message, `cannot listen on 192.0.2.1:${port}: this machine has no such address`);
  assert.match(error.hint, /address of this machine, localhost, or \*/);
  assert.ok(error.cause instanceof Error);
});

test("A name that does not resolve is host.not-found.", async () => {
  const port = await freePort();
  const error = await refusal("no-such-host.invalid", port);
  assert.deepEqual([error.code, error.leg], ["host.not-found", 1]);
  assert.equal(error.message, `cannot listen on no-such-host.invalid:${port}: the name does not resolve`);
});

test("A host called like an object's own property is a name like any other.", async () => {
  for (const host of ["constructor", "toString", "__proto__"]) {
    const error = await refusal(host, await freePort());
    assert.ok(["host.not-found", "listen.denied"].includes(error.code), error.message);
  }
});

/** A listener, and clients for it. */
async function listening(host: string, options: { readonly family?: 4 | 6 } = {}) {
  const inbounds: Inbound[] = [];
  const waiting = new Waiting();
  const sockets: Socket[] = [];
  const listener = await listenTcp(
    { host, port: 0 },
    (inbound) => {
      inbounds.push(inbound);
      waiting.change();
    },
    options,
  );
  const port = listener.addresses[0]?.port ?? 0;
  return {
    addresses: listener.addresses,
    port,
    close: () => listener.close(),
    /** Connects, and waits until the listener has told of it. */
    async visit(to: string) {
      const socket = connect({ host: to, port, allowHalfOpen: true });
      sockets.push(socket);
      await new Promise<void>((resolve, reject) => {
        socket.once("error", reject);
        socket.once("connect", resolve);
      });
      socket.on("error", () => {});
      const origin = { host: socket.localAddress ?? "", port: socket.localPort ?? 0 };
      const isOurs = (inbound: Inbound) => "port" in inbound.origin && inbound.origin.port === origin.port;
      const inbound = await waiting.until("the inbound", () => inbounds.find(isOurs));
      return { socket, origin, inbound };
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      for (const inbound of inbounds) inbound.refuse(broken());
      await listener.close();
      await quiet();
    },
  };
}

async function refusal(host: string, port: number): Promise<PorthopError> {
  const result = await listenTcp({ host, port }, () => {}).then(
    (listener) => listener.close(),
    (error: unknown) => error,
  );
  assert.ok(result instanceof PorthopError, `listening on ${host}:${port} gave ${String(result)}`);
  return result;
}

function received(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (chunk: Uint8Array) => {
    text += Buffer.from(chunk).toString();
  });
  return once(socket, "end").then(() => text);
}
