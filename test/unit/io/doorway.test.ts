import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { PorthopError } from "../../../src/errors.ts";
import type { Inbound } from "../../../src/flow/conn.ts";
import { Doorway, type Room } from "../../../src/io/doorway.ts";

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

  test(`One at a listener that is up ${what} is broken off when it is refused.`, async () => {
    using play = await come(room);
    const failed = once(play.client, "error");
    play.inbound.refuse(new PorthopError("target.refused", "no"));
    assert.equal(((await failed)[0] as NodeJS.ErrnoException).code, "ECONNRESET");
  });
}
