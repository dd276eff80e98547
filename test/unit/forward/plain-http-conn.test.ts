import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ProxyHandshake } from "../../../src/codec/proxy/proxy-handshake.ts";
import { PorthopError } from "../../../src/errors.ts";
import { PlainHttpConn } from "../../../src/forward/plain-http-conn.ts";
import { broken, quiet, stateOf } from "../../kit/carried-flow.ts";
import { rounds } from "../../kit/effort.ts";
import { connPair, readAll } from "../../kit/memory-conn.ts";
import { bytes } from "../../kit/proxy-bytes.ts";
import { refusal } from "../../kit/refusal.ts";

const get = "GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n";
const gotten = "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const other = "GET http://other/secret HTTP/1.1\r\nHost: other\r\nCookie: secret\r\n\r\n";

test("The target gets the request that was written anew, and nothing of the next one.", async () => {
  const { client, near, seen } = begin(`${get}${other}`);
  await client.write(text(other));
  await client.end();
  assert.equal(said(await readAll(near)), gotten);
  assert.deepEqual(seen, [`up ${other}`, `up ${other}`], "on leg 1 it was all the same");
});

for (const [what, head, body] of [
  ["a length", "POST http://a/ HTTP/1.1\r\nContent-Length: 11\r\n\r\n", "hello world"],
  [
    "chunks",
    "PUT http://a/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "5\r\nhello\r\n6\r\n world\r\n0\r\nX: y\r\n\r\n",
  ],
] as const) {
  test(`A body with ${what} reaches the target whole, wherever the bytes of the client are cut.`, async () => {
    const all = text(`${head}${body}${other}`);
    for (let cut = head.length; cut <= all.length; cut += 3) {
      const { client, near } = begin(said(all.subarray(0, cut)));
      await client.write(all.subarray(cut));
      await client.end();
      const got = said(await readAll(near));
      assert.equal(got.slice(got.indexOf("\r\n\r\n") + 4), body, `cut at ${cut}`);
    }
  });
}

test("The client hears that its connection ends with this answer, and on leg 1 that is seen.", async () => {
  const { client, near, seen } = begin(get);
  await near.write(text("HTTP/1.1 200 OK\r\nContent-"));
  await near.write(text("Length: 2\r\n\r\nhi"));
  const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi";
  assert.equal(said(await client.read()), answer);
  assert.deepEqual(seen, [`down ${answer}`]);
  await near.end();
  assert.equal(await client.read(), undefined);
});

test("An answer that stops within its head reaches the client as far as it came.", async () => {
  const { client, near } = begin(get);
  await near.write(text("HTTP/1.1 200 OK\r\nA"));
  await near.end();
  assert.equal(said(await readAll(client)), "HTTP/1.1 200 OK\r\nA");
});

const upgrade = "GET http://a/ HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

test("After a change of protocol all passes, also what the client sent before it knew of it.", async () => {
  const { client, near } = begin(`${upgrade}early `);
  assert.match(said(await near.read()), /^GET \/ HTTP\/1\.1\r\n.*\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n/s);
  const early = near.read();
  assert.equal(await stateOf(early), "pending");
  await near.write(text("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81"));
  assert.equal(said(await early), "early ");
  await client.write(text(other));
  assert.equal(said(await near.read()), other);
  assert.match(said(await client.read()), /^HTTP\/1\.1 101 .*\x81$/s);
});

test("A target that does not change the protocol gets nothing of the next request.", async () => {
  const { client, near } = begin(`${upgrade}${other}`);
  await near.read();
  const next = near.read();
  await near.write(text("HTTP/1.1 200 OK\r\n\r\n"));
  await client.write(text(other));
  await client.end();
  assert.equal(await next, undefined);
  assert.match(said(await client.read()), /Connection: close/);
});

for (const [how, end] of [
  ["ends", (near: PlainHttpConn) => near.end()],
  ["breaks", (near: PlainHttpConn) => near.abort(broken(3))],
  ["is closed", (near: PlainHttpConn) => near.close(() => {})],
] as const) {
  test(`Whoever waits for a change of protocol does not wait for ever when the target ${how}.`, async () => {
    const { client, near } = begin(`${upgrade}early`);
    await near.read();
    const next = near.read().catch(() => "broken");
    await end(near);
    await client.end().catch(() => {});
    assert.equal(await next, how === "breaks" ? "broken" : undefined);
  });
}

test("A body that is no HTTP breaks the flow, and says so of the client.", async () => {
  const { near } = begin("POST http://a/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello");
  await near.read();
  const error = await refusal(near.read());
  assert.ok(error instanceof PorthopError);
  assert.deepEqual([error.leg, error.by], [1, "origin"]);
  assert.match(error.message, /ends without CRLF/);
});

test("What breaks or leaves is heard of as on any connection.", async () => {
  const { client, near } = begin(get);
  const told: unknown[] = [];
  near.onBroken((reason) => told.push(reason));
  near.onGone(() => told.push("gone"));
  assert.equal(near.isGone, false);
  client.leave(broken(1));
  await quiet();
  assert.deepEqual([told, near.isGone], [["gone"], true]);
  client.abort(broken(1));
  assert.equal(told.length, 2);
});

test("The connection under it hears that it was joined.", () => {
  const { near, joins } = begin(get);
  near.joined();
  assert.deepEqual(joins, [1]);
});

test("Whatever a client sends after its request, in whatever pieces, its target gets the one request.", async () => {
  const bodies = fc.constantFrom(
    ["", "", ""],
    ["Content-Length: 4\r\n", "Content-Length: 4\r\n", "body"],
    ["Transfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\n", "4\r\nbody\r\n0\r\n\r\n"],
  );
  const cuts = fc.array(fc.nat(400), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(bodies, fc.uint8Array({ maxLength: 60 }), cuts, async ([field, kept, body], noise, places) => {
      const all = bytes([], `POST http://a/x HTTP/1.1\r\n${field}\r\n${body}`, noise, text(other));
      const cutAt = [0, ...places.map((place) => Math.min(place, all.length)).toSorted((a, b) => a - b), all.length];
      const pieces = cutAt.slice(1).map((place, index) => all.subarray(cutAt[index], place));
      const { client, near } = begin(pieces);
      await client.end();
      assert.equal(said(await readAll(near)), `POST /x HTTP/1.1\r\nHost: a\r\n${kept}Connection: close\r\n\r\n${body}`);
    }),
    { numRuns: rounds(300) },
  );
});

/** A client that has sent these bytes, and its conn as the flow sees it. */
function begin(first: string | readonly Uint8Array[]) {
  const [client, inner] = connPair();
  const joins: number[] = [];
  Object.assign(inner, { joined: () => joins.push(1) });
  const handshake = new ProxyHandshake();
  const seen: string[] = [];
  const leg = {
    bytes: (direction: string, chunk: Uint8Array) => void seen.push(`${direction} ${said(chunk)}`),
    ended: () => {},
    aborted: () => {},
  };
  const pieces = typeof first === "string" ? [text(first)] : first;
  for (const [index, piece] of pieces.entries()) {
    const step = handshake.take(piece);
    if (step.kind !== "asked") continue;
    assert.ok(step.plain);
    for (const later of pieces.slice(index + 1)) void client.write(later);
    return { client, near: new PlainHttpConn(inner, step.plain, step.early, leg), seen, joins };
  }
  throw new Error("the request is not complete");
}

function text(from: string): Uint8Array {
  return bytes([], from);
}

function said(chunk: Uint8Array | undefined): string {
  return Buffer.from(chunk ?? []).toString("latin1");
}
