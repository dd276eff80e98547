import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import { connectTcp, type DialOptions } from "../../../src/io/dial.ts";
import { describe, errnoOf } from "../../../src/io/socket-failure.ts";
import { broken, quiet } from "../../kit/carried-flow.ts";
import { otherListener } from "../../kit/other-listener.ts";
import { echoServer } from "../../kit/servers.ts";

const never = new AbortController().signal;

test("A server that does not answer is given up after the time-out, and the failure says how long it was.", async (context) => {
  await using silent = await silentServer(context);
  if (silent === undefined) return;
  const error = await failureOf({ host: "127.0.0.1", port: silent.port }, { timeoutMs: 50 });
  assert.equal(errnoOf(error), "ETIMEDOUT");
  assert.equal((error as Error).message, `127.0.0.1:${silent.port} did not answer within 0.05 s`);
  assert.equal(describe(error), "connection timed out");
});

test("An abort while a server does not answer rejects with its reason.", async (context) => {
  await using silent = await silentServer(context);
  if (silent === undefined) return;
  const controller = new AbortController();
  const failure = failureOf({ host: "127.0.0.1", port: silent.port }, { signal: controller.signal, timeoutMs: 60_000 });
  await quiet();
  const reason = broken();
  controller.abort(reason);
  assert.equal(await failure, reason);
});

test("A name whose first address says nothing is reached by its next one, after the delay of RFC 8305.", async (context) => {
  await using silent = await silentServer(context);
  if (silent === undefined) return;
  await using server = await echoServer({ host: "::1", port: silent.port });
  const started = performance.now();
  const socket = await connectTcp(several(server.port), { signal: never, resolve: async () => ["127.0.0.1", "::1"] });
  const ms = performance.now() - started;
  assert.equal(socket.remoteAddress, "::1");
  assert.ok(ms > 245, `${ms} ms`);
  socket.destroy();
});

test("Attempts that were begun in vain leave no descriptor behind, whether the race is won, lost or aborted.", {
  skip: process.platform === "linux" ? false : "only Linux shows the descriptors of a process",
}, async (context) => {
  await using silent = await silentServer(context);
  if (silent === undefined) return;
  await using server = await echoServer({ host: "::1", port: silent.port });
  const options = { signal: never, attemptDelayMs: 1 };
  const round = async () => {
    const resolve = async () => ["127.0.0.1", "::1"];
    (await connectTcp(several(server.port), { ...options, resolve })).destroy();
    const late = await failureOf(several(silent.port), { ...options, resolve: twice, timeoutMs: 20 });
    assert.equal(errnoOf(late), "ETIMEDOUT");
    const stop = new AbortController();
    const aborted = failureOf(several(silent.port), { ...options, resolve: twice, signal: stop.signal });
    await quiet();
    stop.abort(broken());
    await aborted;
  };
  await round();
  const before = await settledCount(() => true);
  for (let each = 0; each < 10; each++) await round();
  await settledCount((count) => count <= before + 2);
});

/** Two ways to write one address that says nothing. */
const twice = async () => ["127.0.0.1", "::ffff:127.0.0.1"];

function several(port: number) {
  return { host: "several.test", port };
}

/** The number of descriptors, once it is one that is wanted: the server's own close a little later than ours. */
async function settledCount(isWanted: (count: number) => boolean): Promise<number> {
  for (let turn = 0; ; turn++) {
    const count = readdirSync("/proc/self/fd").length;
    if (isWanted(count)) return count;
    assert.ok(turn < 10_000, `${count} descriptors are open`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function failureOf(target: { host: string; port: number }, options: Partial<DialOptions> = {}): Promise<unknown> {
  return await connectTcp(target, { signal: never, ...options }).then(
    (socket) => {
      socket.destroy();
      throw new Error("the connection was made");
    },
    (error: unknown) => error,
  );
}

/** A server whose queue is full and whose process is frozen: the kernel drops what comes. Skips where it answers. */
async function silentServer(context: TestContext): Promise<({ readonly port: number } & AsyncDisposable) | undefined> {
  const server = await otherListener("127.0.0.1", 0);
  server.freeze();
  const waiting = Array.from({ length: 200 }, () => connect(server.port, "127.0.0.1"));
  for (const socket of waiting) socket.on("error", () => {});
  const close = async () => {
    for (const socket of waiting) socket.destroy();
    await server[Symbol.asyncDispose]();
  };
  // Loopback answers within the very call that connects, so those that the queue has room for are through by now.
  await Promise.any(waiting.map((socket) => once(socket, "connect")));
  await quiet();
  if (waiting.some((socket) => socket.connecting)) return { port: server.port, [Symbol.asyncDispose]: close };
  await close();
  context.skip("this kernel answers for a process that does not accept");
  return undefined;
}
