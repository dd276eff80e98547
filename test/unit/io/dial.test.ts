import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { test } from "node:test";
import { PorthopError } from "../../../src/errors.ts";
import { connectTcp, type DialOptions, SourceUnusable } from "../../../src/io/dial.ts";
import { describe, errnoOf } from "../../../src/io/socket-failure.ts";
import { broken, quiet } from "../../kit/carried-flow.ts";
import { echoServer, freePort, lateAnswerServer } from "../../kit/servers.ts";

const never = new AbortController().signal;

test("A connection to an address or to a name is made, and its socket carries both ways.", async () => {
  await using server = await echoServer();
  for (const host of ["127.0.0.1", "localhost"]) {
    const socket = await connectTcp({ host, port: server.port }, { signal: never });
    socket.write("hello");
    const [chunk] = (await once(socket, "data")) as [Uint8Array];
    assert.equal(Buffer.from(chunk).toString(), "hello");
    assert.equal(socket.remotePort, server.port);
    socket.destroy();
  }
});

test("The socket can be half-closed: the peer's late answer still comes.", async () => {
  await using server = await lateAnswerServer();
  const socket = await connectTcp({ host: "127.0.0.1", port: server.port }, { signal: never });
  socket.end("four");
  let answer = "";
  socket.on("data", (chunk: Uint8Array) => {
    answer += Buffer.from(chunk).toString();
  });
  await once(socket, "end");
  assert.match(answer, /^4 [0-9a-f]{64}\n$/);
});

test("The socket stays writable after the peer's end: our own end is ours to choose.", async () => {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.end("done");
  });
  const port = await listening(server);
  const accepted = once(server, "connection");
  const socket = await connectTcp({ host: "127.0.0.1", port }, { signal: never });
  const [far] = (await accepted) as [Socket];
  socket.resume();
  await once(socket, "end");
  await quiet();
  assert.equal(socket.writable, true);
  const got = once(far, "data");
  socket.end("late");
  assert.equal(String((await got)[0]), "late");
  socket.destroy();
  far.destroy();
  server.close();
});

test("A connection comes from the address that it is to come from, by number or by name.", async () => {
  const from: (string | undefined)[] = [];
  const server = createServer((socket) => {
    from.push(socket.remoteAddress);
    socket.destroy();
  });
  const port = await listening(server);
  const resolve = async () => ["127.0.0.6"];
  for (const options of [{ from: "127.0.0.5" }, { from: "my-name", resolve }]) {
    const socket = await connectTcp({ host: "127.0.0.1", port }, { signal: never, ...options });
    assert.equal(socket.localAddress, options.resolve === undefined ? "127.0.0.5" : "127.0.0.6");
    socket.on("error", () => {});
    socket.destroy();
  }
  server.close();
});

test("A connection comes from an address of the interface that it is to come from, unless an address is named.", async () => {
  await using server = await echoServer();
  const target = { host: "127.0.0.1", port: server.port };
  const [loopback = ""] =
    Object.entries(networkInterfaces()).find(([, all]) => all?.some(({ internal }) => internal)) ?? [];
  for (const [options, address] of [
    [{ fromInterface: loopback }, "127.0.0.1"],
    [{ fromInterface: loopback, from: "127.0.0.5" }, "127.0.0.5"],
  ] as const) {
    const socket = await connectTcp(target, { signal: never, ...options });
    assert.equal(socket.localAddress, address);
    socket.destroy();
  }
  await assert.rejects(
    connectTcp(target, { signal: never, fromInterface: "nowhere7" }),
    /cannot connect from the interface nowhere7: it has no IPv4 address/,
  );
});

test("An address that is not of this machine, or of another family than the host's, is told as what it is.", async () => {
  await using server = await echoServer();
  const target = { host: "127.0.0.1", port: server.port };
  const nothing = async () => Promise.reject(new Error("no such name"));
  for (const [options, message] of [
    [{ from: "192.0.2.1" }, "cannot connect from 192.0.2.1: cannot assign requested address"],
    [{ from: "::1" }, "cannot connect from ::1: it is no IPv4 address"],
    [{ from: "nobody", resolve: nothing }, "cannot connect from nobody: it is no IPv4 address"],
  ] as const) {
    await assert.rejects(connectTcp(target, { signal: never, ...options }), (error) => {
      assert.ok(error instanceof SourceUnusable);
      assert.equal(error.message, message);
      return true;
    });
  }
});

test("Of a name with addresses of both families the one of the source's family is taken.", async () => {
  await using server = await echoServer();
  const both = { resolve: async () => ["::1", "127.0.0.1"], signal: never, from: "127.0.0.9" };
  const socket = await connectTcp({ host: "both", port: server.port }, both);
  assert.equal(socket.localAddress, "127.0.0.9");
  socket.destroy();
  const closed = { ...both, resolve: async () => ["127.0.0.1", "::1"] };
  await assert.rejects(connectTcp({ host: "both", port: await freePort() }, closed), { code: "ECONNREFUSED" });
});

test("A port on which nobody listens refuses, and the failure says so in words.", async () => {
  const port = await freePort();
  const error = await failureOf({ host: "127.0.0.1", port });
  assert.equal(errnoOf(error), "ECONNREFUSED");
  assert.equal(describe(error), "connection refused");
});

test("A name that does not resolve is host.not-found, and names the host.", async () => {
  const error = await failureOf({ host: "no-such-host.invalid", port: 80 });
  assert.ok(error instanceof PorthopError);
  assert.equal(error.code, "host.not-found");
  assert.match(error.message, /cannot find the host no-such-host\.invalid/);
  assert.ok(error.cause instanceof Error);
});

test("A name with several addresses is tried through: what listens on one of them only is found.", async () => {
  await using server = await echoServer();
  const resolve = async () => ["127.0.0.9", server.host, "127.0.0.8"];
  const target = { host: "several.test", port: server.port };
  const told: (readonly string[])[] = [];
  const socket = await connectTcp(target, { signal: never, resolve, resolved: (addresses) => told.push(addresses) });
  assert.deepEqual(told, [await resolve()], "all of them are told, once");
  assert.equal(socket.remoteAddress, server.host);
  socket.destroy();
});

test("The families take turns, and are told in the order in which they are tried.", async () => {
  await using server = await echoServer();
  const resolve = async () => ["::1", "::1", "127.0.0.9", server.host];
  const told: (readonly string[])[] = [];
  const target = { host: "several.test", port: server.port };
  const socket = await connectTcp(target, { signal: never, resolve, resolved: (addresses) => told.push(addresses) });
  assert.deepEqual(told, [["::1", "127.0.0.9", server.host]]);
  assert.equal(socket.remoteAddress, server.host);
  socket.destroy();
});

test("Of a name without an address that listens, the error is that of the last one tried.", async () => {
  const port = await freePort();
  const resolve = async () => ["127.0.0.9", "::1", "127.0.0.8"];
  const error = await failureOf({ host: "several.test", port }, { resolve, attemptDelayMs: 0 });
  assert.equal(errnoOf(error), "ECONNREFUSED");
  assert.match(describe(error), /connection refused/);
  const nothing = await failureOf({ host: "several.test", port }, { resolve: async () => [] });
  assert.ok(nothing instanceof PorthopError && nothing.code === "host.not-found");
});

test("A machine that moved is found: the name is looked up for each connection anew.", async () => {
  const target = { host: "moving.test", port: 0 };
  const homes = ["127.0.0.21", "127.0.0.22", "127.0.0.23"];
  let moves = 0;
  const resolve = async () => homes.slice(moves, ++moves);
  const server = createServer((socket) => socket.destroy());
  server.listen({ host: "0.0.0.0", port: 0 });
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  for (const home of homes) {
    const socket = await connectTcp({ ...target, port: address.port }, { signal: never, resolve });
    assert.equal(socket.remoteAddress, home);
    socket.on("error", () => {});
    socket.destroy();
  }
  assert.equal(moves, homes.length);
  server.close();
});

test("A target that answers is connected to once, also when the event loop was held up longer than the delay.", async () => {
  const seen: (string | undefined)[] = [];
  const server = createServer((socket) => {
    seen.push(socket.localAddress);
    socket.resume();
    socket.end();
  });
  const addresses = ["127.0.0.31", "127.0.0.32"];
  server.listen({ host: "0.0.0.0", port: 0 });
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const holdUp = () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  for (let round = 0; round < 10; round++) {
    const target = { host: "several.test", port: address.port };
    const dialing = connectTcp(target, { signal: never, resolve: async () => addresses, attemptDelayMs: 1 });
    // The kernel has connected it and the delay is over when the event loop hears of either.
    for (let turn = 0; turn < 100; turn++) await Promise.resolve();
    holdUp();
    const socket = await dialing;
    socket.on("error", () => {});
    socket.resume();
    await once(socket, "end");
    socket.destroy();
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 10 }, () => addresses[0]),
  );
  server.close();
});

test("An abort ends the trying of a name's addresses.", async () => {
  const port = await freePort();
  const stop = new AbortController();
  const tried: string[] = [];
  const resolve = async () => {
    // Aborted between the lookup and the first address, as a Ctrl-C may come.
    queueMicrotask(() => stop.abort(new Error("stopped")));
    tried.push("resolved");
    return ["127.0.0.9", "127.0.0.8"];
  };
  await assert.rejects(connectTcp({ host: "several.test", port }, { signal: stop.signal, resolve }), /stopped/);
  assert.deepEqual(tried, ["resolved"]);
});

test("A family that is asked for is kept to.", async () => {
  await using server = await echoServer();
  const socket = await connectTcp({ host: "localhost", port: server.port }, { signal: never, family: 4 });
  assert.equal(socket.remoteFamily, "IPv4");
  socket.destroy();
  const error = await failureOf({ host: "localhost", port: server.port }, { family: 6 });
  // Either localhost has no ::1 here, or nobody listens there.
  assert.ok(errnoOf(error) === "ECONNREFUSED" || (error instanceof PorthopError && error.code === "host.not-found"));
});

test("An abort before the dial rejects with its reason, whatever the name: nothing is looked up or dialed.", async () => {
  await using server = await echoServer();
  const controller = new AbortController();
  const reason = broken();
  controller.abort(reason);
  for (const host of ["127.0.0.1", "no-such-host.invalid"]) {
    assert.equal(await failureOf({ host, port: server.port }, { signal: controller.signal }), reason);
  }
  assert.equal(server.accepted, 0);
});

test("An abort while the name is looked up rejects at once with its reason.", async () => {
  const controller = new AbortController();
  const failure = failureOf({ host: "no-such-host.invalid", port: 80 }, { signal: controller.signal });
  const reason = broken();
  controller.abort(reason);
  assert.equal(await failure, reason);
});

test("An abort that comes after the connection stands does nothing to it: it belongs to the caller.", async () => {
  await using server = await echoServer();
  const controller = new AbortController();
  const socket = await connectTcp({ host: "127.0.0.1", port: server.port }, { signal: controller.signal });
  controller.abort(broken());
  socket.write("still here");
  assert.equal(String((await once(socket, "data"))[0]), "still here");
  socket.destroy();
});

async function failureOf(target: { host: string; port: number }, options: Partial<DialOptions> = {}): Promise<unknown> {
  return await connectTcp(target, { signal: never, ...options }).then(
    (socket) => {
      socket.destroy();
      throw new Error("the connection was made");
    },
    (error: unknown) => error,
  );
}

async function listening(server: Server, backlog = 16): Promise<number> {
  server.listen({ host: "127.0.0.1", port: 0, backlog });
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return address.port;
}

test("An address of the other family is not dialed: -6 127.0.0.1 is no host, as with ssh.", async () => {
  await using server = await echoServer();
  const target = { host: "127.0.0.1", port: server.port };
  const signal = new AbortController().signal;
  await assert.rejects(connectTcp(target, { family: 6, signal }), {
    code: "host.not-found",
    message: "127.0.0.1 is no IPv6 address, and only such are wanted",
  });
  (await connectTcp(target, { family: 4, signal })).destroy();
});
