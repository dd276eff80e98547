import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import { connectTcp, type DialOptions } from "../../../src/io/dial.ts";
import { describe, errnoOf } from "../../../src/io/socket-failure.ts";
import { broken, quiet } from "../../kit/carried-flow.ts";
import { otherListener } from "../../kit/other-listener.ts";

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
