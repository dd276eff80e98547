import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { PorthopError } from "../../../src/errors.ts";
import type { Session } from "../../../src/ssh/session.ts";
import { lost } from "../../../src/ssh/ssh-failure.ts";
import { dialByCommand, dialDirectly, dialThrough } from "../../../src/ssh/sshd-dialer.ts";
import { quiet, stateOf } from "../../kit/carried-flow.ts";
import { refusal } from "../../kit/refusal.ts";
import { echoServer, freePort } from "../../kit/servers.ts";

const timeout = 30_000;
const never = new AbortController().signal;
const environment = { PATH: process.env["PATH"] ?? "/usr/bin:/bin" };

function to(port: number, host = "127.0.0.1") {
  return { host, port, connectTimeoutMs: undefined, attempts: 1 };
}

/** A session with a jump host that answers with `open`. */
function jump(open: Session["openStream"], goneBy?: PorthopError): Session {
  return { hop: 1, peer: { host: "gate", port: 22, isJump: true }, goneBy, openStream: open } as unknown as Session;
}

test("A direct connection knows both of its ends, and is the first hop.", { timeout }, async () => {
  await using server = await echoServer();
  const { stream, hop, local, remote, observed, goneBy } = await dialDirectly(to(server.port), never);
  assert.deepEqual([hop, observed, goneBy("session")], [1, true, undefined]);
  assert.deepEqual(remote, { host: "127.0.0.1", port: server.port });
  assert.ok(local !== undefined && "port" in local && local.port !== server.port);
  stream.destroy();
});

test("TCPKeepAlive has the system ask whether the other end is still there, and no has it not.", {
  timeout,
  skip: process.platform === "linux" ? false : "only Linux shows the timers of a connection",
}, async () => {
  await using server = await echoServer();
  for (const [tcpKeepAlive, timer] of [
    [undefined, "00"],
    [true, "02"],
    [false, "00"],
  ] as const) {
    const { stream, local } = await dialDirectly({ ...to(server.port), tcpKeepAlive }, never);
    const port = local !== undefined && "port" in local ? local.port : 0;
    const ends = [port, server.port].map((each) => `0100007F:${each.toString(16).toUpperCase().padStart(4, "0")}`);
    const row = readFileSync("/proc/net/tcp", "utf8")
      .split("\n")
      .map((text) => text.trim().split(/\s+/))
      .find(([, own, other]) => own === ends[0] && other === ends[1]);
    // proc(5): 02 is the timer of keepalive, 00 is none.
    assert.equal(row?.[5]?.slice(0, 2), timer);
    stream.destroy();
  }
});

test("A direct connection that is refused is sshd out of reach; a jump host is called so.", { timeout }, async () => {
  const port = await freePort();
  const refused = await refusal(dialDirectly(to(port), never));
  assert.equal(refused.message, `cannot reach sshd at 127.0.0.1:${port}: connection refused`);
  const host = await refusal(dialDirectly({ ...to(port), isJump: true }, never));
  assert.equal(host.message, `cannot reach the jump host 127.0.0.1:${port}: connection refused`);
  assert.deepEqual([refused.code, refused.leg], ["ssh.unreachable", 2]);
});

test("Attempts are one second apart, and an abort ends the wait between them.", { timeout }, async () => {
  const port = await freePort();
  const started = performance.now();
  const refused = await refusal(dialDirectly({ ...to(port), attempts: 2 }, never));
  assert.equal(refused.message, `cannot reach sshd at 127.0.0.1:${port}: connection refused`);
  const ms = performance.now() - started;
  assert.ok(ms >= 990, `${ms} ms`);
  const stopped = new AbortController();
  const reason = new Error("stopped");
  const dialed = dialDirectly({ ...to(port), attempts: 1000 }, stopped.signal);
  dialed.catch(() => {});
  // By then the first attempt was refused, and the second one is not there yet.
  await new Promise((resolve) => setTimeout(resolve, 100));
  await quiet();
  stopped.abort(reason);
  assert.equal(await stateOf(dialed), "rejected");
  await assert.rejects(dialed, reason);
});

test("A name that does not resolve is not tried again.", { timeout }, async () => {
  // Tried again and again, it would not be told within the time of a test.
  const error = await refusal(dialDirectly({ ...to(22, "no-such-host.invalid"), attempts: 1000 }, never));
  assert.equal(error.code, "host.not-found");
});

test("Through a jump host the near end is unknown and the far end is the one asked for.", { timeout }, async () => {
  await using server = await echoServer();
  const { stream } = await dialDirectly(to(server.port), never);
  const asked: unknown[] = [];
  const session = jump(async (target) => {
    asked.push(target);
    return stream;
  });
  const transport = await dialThrough(session)(to(2201, "db"), never);
  assert.deepEqual(asked, [{ host: "db", port: 2201 }]);
  assert.deepEqual(
    [transport.hop, transport.local, transport.remote, transport.observed, transport.goneBy("session")],
    [2, undefined, { host: "db", port: 2201 }, false, undefined],
  );
  stream.destroy();
});

test("What a jump host is lost by is what the session inside it is lost by.", { timeout }, async () => {
  await using server = await echoServer();
  const { stream } = await dialDirectly(to(server.port), never);
  const reason = lost(undefined, { host: "gate", port: 22, isJump: true });
  const transport = await dialThrough(jump(async () => stream, reason))(to(22, "db"), never);
  assert.deepEqual([transport.goneBy("session"), transport.goneBy("greeting")], [reason, reason]);
  stream.destroy();
});

test("A jump host that does not answer in time is given up, and an abort is what it says.", { timeout }, async () => {
  const hanging = jump(
    (_target, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true })),
  );
  const late = await refusal(dialThrough(hanging)({ ...to(22, "db"), connectTimeoutMs: 20 }, never));
  assert.equal(late.code, "ssh.unreachable");
  assert.match(late.message, /^cannot reach sshd at db:22 through the jump host gate:22: .*(timed out|no answer)/);
  const abort = new AbortController();
  await refusal(dialThrough(jump(() => Promise.reject(new Error("no"))))(to(22, "db"), abort.signal));
  assert.deepEqual(getEventListeners(abort.signal, "abort"), [], "a dial that failed leaves nothing");
  const dialing = dialThrough(hanging)(to(22, "db"), abort.signal);
  const reason = new PorthopError("cancelled", "stopped");
  abort.abort(reason);
  await assert.rejects(dialing, (error) => error === reason);
});

test("No command is run for somebody who has given up already.", { timeout }, async () => {
  const reason = new PorthopError("cancelled", "stopped");
  const dialing = dialByCommand("false", environment)(to(22), AbortSignal.abort(reason));
  await assert.rejects(dialing, (error) => error === reason);
});
