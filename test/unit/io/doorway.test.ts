import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { PorthopError } from "../../../src/errors.ts";
import type { Inbound } from "../../../src/flow/conn.ts";
import { Doorway, type Room } from "../../../src/io/doorway.ts";
import { quiet } from "../../kit/carried-flow.ts";
import { readAll } from "../../kit/memory-conn.ts";
import { randomBytes } from "../../kit/random.ts";

const origin = { host: "192.0.2.7", port: 4711 };
const leg = { from: origin, to: { host: "192.0.2.1", port: 80 }, observed: true };

/** A client's socket, and what came of it at the doorway. */
async function come(room?: Room) {
  const inbounds: Inbound[] = [];
  const doorway = new Doorway(room, (inbound) => inbounds.push(inbound));
  const server = createServer({ allowHalfOpen: true });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  doorway.open();
  const accepted = once(server, "connection");
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  client.on("error", () => {});
  const [socket] = (await accepted) as [Socket];
  doorway.came(socket, origin, leg);
  const [inbound] = inbounds;
  assert.ok(inbound !== undefined);
  return {
    inbound,
    client,
    socket,
    [Symbol.dispose]() {
      doorway.close();
      doorway.close();
      client.destroy();
      socket.destroy();
      server.close();
    },
  };
}

for (const [what, room] of [
  ["for a moment", undefined],
  ["for long", { dials: false, warn: assert.fail }],
  ["for long, and dials,", { dials: true, warn: assert.fail }],
] as const) {
  test(`A connection at a listener that is up ${what} carries what is written once it was accepted.`, async () => {
    using play = await come(room);
    assert.deepEqual([play.inbound.origin, play.inbound.leg], [origin, leg]);
    play.client.write("hello");
    const conn = await play.inbound.accept();
    assert.equal(String(await conn.read().then((chunk) => Buffer.from(chunk ?? []))), "hello");
  });

  test(`One at a listener that is up ${what} tells that its client broke off before it had an answer.`, async () => {
    using play = await come(room);
    const told = new Promise<PorthopError>((resolve) => play.inbound.onBroken?.(resolve));
    play.client.write("hello");
    play.client.resetAndDestroy();
    const { leg, by, message } = await told;
    assert.deepEqual([leg, by], [1, "origin"]);
    assert.match(message, /^the connection with 192\.0\.2\.7:4711 broke: connection reset by peer$/);
  });

  test(`One at a listener that is up ${what} is broken off when it is refused.`, async () => {
    using play = await come(room);
    const failed = once(play.client, "error");
    play.inbound.refuse(new PorthopError("target.refused", "no"));
    assert.equal(((await failed)[0] as NodeJS.ErrnoException).code, "ECONNRESET");
  });
}

test("Of a client that sends on and on little is read until its connection is joined, and then all of it.", async () => {
  using play = await come({ dials: false, warn: assert.fail });
  const content = randomBytes(8 * 1024 * 1024);
  play.client.end(content);
  // The kernel's buffers take the rest, as far as it fits.
  await stalled(() => play.socket.bytesRead);
  assert.ok(play.socket.bytesRead > 0, "it is read, or no break would be noticed");
  assert.ok(play.socket.bytesRead <= 3 * 64 * 1024, `${play.socket.bytesRead} bytes were read`);
  const conn = await play.inbound.accept();
  conn.joined?.();
  assert.deepEqual(Buffer.from(await readAll(conn)), Buffer.from(content));
});

test("A client that ends its half before it has an answer has not broken off.", async () => {
  using play = await come({ dials: false, warn: assert.fail });
  play.inbound.onBroken?.((reason) => assert.fail(reason));
  play.client.end("GET /");
  await stalled(() => play.socket.bytesRead);
  const conn = await play.inbound.accept();
  assert.equal(String(Buffer.from(await readAll(conn))), "GET /");
});

/** Resolves when a number stood still over many turns of the event loop: loopback needs none but the kernel's time. */
async function stalled(value: () => number): Promise<void> {
  for (let still = 0, last = value(); last === 0 || still < 200; still = value() === last ? still + 1 : 0) {
    last = value();
    await quiet();
  }
}
