/** How a connection ends at one end is how it ends at the other: a half-close, a reset, an answer that comes late. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { builtExecutable } from "../kit/executable.ts";
import { shared } from "../kit/lifetime.ts";
import { need } from "../kit/packages.ts";
import { randomBytes, sha256 } from "../kit/random.ts";
import { echoServer, lateAnswerServer, resetServer, sourceServer } from "../kit/servers.ts";
import { startSshd } from "../kit/sshd.ts";
import { echoes, playTarget } from "../kit/tcp-end.ts";
import { openTunnel } from "./tunnel.ts";

builtExecutable();
const limits = { skip: need("sshd", "ssh-keygen"), timeout: 60_000 };
const theSshd = shared(() => startSshd());

test("A client that ends its half gets the answer that is only given then.", limits, async () => {
  await using target = await lateAnswerServer();
  await using tunnel = await openTunnel(await theSshd(), [target]);
  await using client = await tunnel.connect();
  const question = randomBytes(1_000_000);
  await client.send([question]);
  client.end();
  assert.equal((await client.received).ended, true);
  assert.equal(client.text, `1000000 ${sha256(question)}\n`);
  const closed = await tunnel.program.event("flow.close");
  assert.deepEqual([closed.reason, closed.up, closed.down], ["ended", 1_000_000, client.text.length]);
});

test("A target that ends its half still gets what the client sends after that.", limits, async () => {
  await using target = await playTarget();
  await using tunnel = await openTunnel(await theSshd(), [target]);
  await using client = await tunnel.connect();
  const far = await target.accepted();
  await far.send("that was all\n");
  far.end();
  assert.deepEqual([(await client.received).ended, client.text], [true, "that was all\n"]);
  const late = randomBytes(1_000_000);
  await client.send([late]);
  client.end();
  assert.deepEqual(await far.received, { bytes: late.length, sha256: sha256(late), ended: true });
  assert.equal((await tunnel.program.event("flow.close")).reason, "ended");
});

test("A target that says all it has at once, and leaves, is heard to the end each time.", limits, async () => {
  await using target = await sourceServer(Buffer.from("short and final\n"));
  await using tunnel = await openTunnel(await theSshd(), [target]);
  for (let round = 0; round < 200; round++) {
    await using client = await tunnel.connect();
    client.end();
    assert.deepEqual([(await client.received).ended, client.text], [true, "short and final\n"]);
  }
});

test("A target that resets ends the client's connection, and the session goes on.", limits, async () => {
  await using target = await resetServer(10);
  await using echo = await echoServer();
  await using tunnel = await openTunnel(await theSshd(), [target, echo]);
  await using client = await tunnel.connect();
  await client.send("ten bytes.");
  await client.received;
  // SSH has no word for a reset: sshd says "no more bytes", and closes the channel when more are sent to it.
  await client.send(endless());
  const closed = await tunnel.program.event("flow.close");
  assert.equal(closed.reason, "aborted");
  assert.equal(await echoes(tunnel.ports[1] ?? 0), true);
});

test("A client that resets has its connection at the target closed, and the session goes on.", limits, async () => {
  await using target = await playTarget();
  await using tunnel = await openTunnel(await theSshd(), [target]);
  await using client = await tunnel.connect();
  await client.send("about to break\n");
  const far = await target.accepted();
  await far.got(15);
  client.reset();
  await far.received;
  const closed = await tunnel.program.event("flow.close");
  assert.deepEqual([closed.reason, (closed["error"] as { leg?: number }).leg], ["aborted", 1]);
  await using next = await tunnel.connect();
  const farNext = await target.accepted(1);
  await farNext.send("still here\n");
  await next.got(11);
});

function* endless(): Generator<Uint8Array> {
  for (;;) yield randomBytes(1000);
}
