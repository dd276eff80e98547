import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { closeLingering } from "../../../src/io/lingering-close.ts";

const timeout = 30_000;

async function pair() {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const far = createConnection({
    port: (server.address() as AddressInfo).port,
    host: "127.0.0.1",
    allowHalfOpen: true,
  });
  await once(far, "connect");
  const [near] = await accepted;
  server.close();
  for (const socket of [near, far]) socket.on("error", () => {});
  return { near, far };
}

/** What a client gets that reads only once all is over, and whether it came to a clean end. */
async function whole(far: Socket): Promise<{ bytes: number; ended: boolean }> {
  let bytes = 0;
  let ended = false;
  far.on("data", (chunk: Uint8Array) => {
    bytes += chunk.length;
  });
  far.on("end", () => {
    ended = true;
    far.destroy();
  });
  await new Promise<void>((resolve) => far.on("close", () => resolve()));
  return { bytes, ended };
}

test("A client that still sends gets all that it was sent, and a clean end.", { timeout }, async () => {
  const { near, far } = await pair();
  far.write(Buffer.alloc(300_000));
  near.end(Buffer.alloc(200_000));
  await once(near, "finish");
  const closed = once(near, "close");
  near.resume();
  closeLingering(near, () => {});
  far.write(Buffer.alloc(300_000));
  assert.deepEqual(await whole(far), { bytes: 200_000, ended: true });
  await closed;
});

test("Who says nothing more is closed soon, and reads what it has.", { timeout }, async () => {
  const { near, far } = await pair();
  near.end(Buffer.alloc(200_000));
  await once(near, "finish");
  const closed = once(near, "close");
  near.resume();
  let told = 0;
  closeLingering(near, () => told++, { quietMs: 10, mostMs: 30_000 });
  await closed;
  assert.equal(told, 1);
  assert.deepEqual(await whole(far), { bytes: 200_000, ended: true });
});

test("Who never stops sending is closed all the same.", { timeout }, async () => {
  const { near, far } = await pair();
  near.end();
  const closed = once(near, "close");
  near.resume();
  closeLingering(near, () => {}, { quietMs: 200, mostMs: 0 });
  const talk = setInterval(() => far.write("x"), 5);
  await closed;
  clearInterval(talk);
  far.destroy();
});
