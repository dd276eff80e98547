import assert from "node:assert/strict";
import { createECDH, createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from "node:crypto";
import type { Socket } from "node:net";
import { test } from "node:test";
import type { Connection } from "ssh2";
import { bytesOf, groupPrime, modularPower, numberOf } from "../../../../src/codec/session/modular-power.ts";
import { type ExchangeKeys, watchKeys } from "../../../../src/ssh/ssh2/exchange-keys.ts";
import { exchangesOf } from "../../../../src/ssh/ssh2/exchange-watch.ts";
import { viewOf } from "../../../../src/ssh/ssh2/view-check.ts";
import { ChannelPair } from "../../../kit/channel-pair.ts";
import { rounds } from "../../../kit/effort.ts";
import { serverView } from "../../../kit/ssh2-server-view.ts";
import { Waiting } from "../../../kit/waiting.ts";

const limits = { timeout: 30_000 };

/** Both ends write down what they tell of each key exchange, and the client's first bytes are kept. */
class Exchanges {
  readonly client: ExchangeKeys[] = [];
  readonly server: ExchangeKeys[] = [];
  readonly #waiting = new Waiting();
  readonly #written: Uint8Array[] = [];

  watchServer(connection: Connection): void {
    watchKeys(exchangesOf(serverView(connection)._protocol), this.#into(this.server));
  }

  get tellClient(): (keys: ExchangeKeys) => void {
    return this.#into(this.client);
  }

  keepBytes(socket: Socket): void {
    const write = socket.write.bind(socket) as (data: Uint8Array) => boolean;
    socket.write = (data: Uint8Array | string) => {
      this.#written.push(Buffer.from(data as Uint8Array));
      return write(data as Uint8Array);
    };
  }

  /** Of the client's first KEXINIT as it went over the wire (RFC 4253, sections 4.2, 6 and 7.1): nothing is encrypted yet. */
  get cookieOnWire(): Buffer {
    const bytes = Buffer.concat(this.#written);
    const packet = bytes.indexOf("\r\n") + 2;
    assert.equal(bytes[packet + 5], 20, "SSH_MSG_KEXINIT behind the two lengths");
    return bytes.subarray(packet + 6, packet + 22);
  }

  /** What both sides have told of an exchange, once they have. */
  async both(index: number): Promise<{ readonly client: ExchangeKeys; readonly server: ExchangeKeys }> {
    return await this.#waiting.until(`exchange ${index} on both sides`, () => {
      const [client, server] = [this.client[index], this.server[index]];
      return client === undefined || server === undefined ? undefined : { client, server };
    });
  }

  #into(list: ExchangeKeys[]): (keys: ExchangeKeys) => void {
    return (keys) => {
      list.push(keys);
      this.#waiting.change();
    };
  }
}

/** A connection that agrees on this key exchange, and on which both sides tell of all from the first one on. */
async function watched(kex: string) {
  const exchanges = new Exchanges();
  const pair = await ChannelPair.open({
    algorithms: { kex: [kex] as never },
    attached(ports, socket) {
      exchanges.keepBytes(socket);
      ports.onKeyExchange(exchanges.tellClient);
    },
    connected: (connection) => exchanges.watchServer(connection),
  });
  return { pair, exchanges, [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose]() };
}

/** In Bun, a server of ssh2's takes a second for an exchange in such a group. */
const slow = "diffie-hellman-group14-sha256";

/** What two private keys come to, by means of node:crypto or of numbers alone. */
const secretsOf: Readonly<Record<string, (ours: Uint8Array, theirs: Uint8Array) => Uint8Array>> = {
  "curve25519-sha256": (ours, theirs) =>
    diffieHellman({ privateKey: curveKey(ours), publicKey: createPublicKey(curveKey(theirs)) }),
  "ecdh-sha2-nistp256": (ours, theirs) => {
    const [near, far] = [createECDH("prime256v1"), createECDH("prime256v1")];
    near.setPrivateKey(ours);
    far.setPrivateKey(theirs);
    return near.computeSecret(far.getPublicKey());
  },
  [slow]: (ours, theirs) => {
    const prime = groupPrime(2048) ?? assert.fail("there is such a group");
    const [near, far] = [numberOf(ours), numberOf(theirs)];
    return bytesOf(modularPower(modularPower(2n, far, prime), near, prime));
  },
};

/** PKCS #8 of id-X25519 (RFC 8410, section 7). */
function curveKey(bytes: Uint8Array): KeyObject {
  const key = Buffer.concat([Buffer.from("302e020100300506032b656e04220420", "hex"), bytes]);
  return createPrivateKey({ key, format: "der", type: "pkcs8" });
}

/** RFC 4251, section 5, without the length in front. */
function mpint(bytes: Uint8Array): Buffer {
  const digits = bytesOf(numberOf(bytes));
  return (digits[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), digits]) : digits;
}

for (const [kex, secretOf] of Object.entries(secretsOf)) {
  test(
    `Of ${kex} the truth is told: both sides come to this secret, with these keys, in the exchange of this cookie.`,
    limits,
    async () => {
      await using all = await watched(kex);
      const { pair, exchanges } = all;
      const first = await exchanges.both(0);
      assert.deepEqual(Buffer.from(first.client.cookie), exchanges.cookieOnWire);
      const told = [first];
      for (let again = kex === slow ? rounds(1, 0) : 1; again > 0; again--) {
        pair.ports.rekey();
        told.push(await exchanges.both(told.length));
      }
      for (const { client, server } of told) {
        assert.deepEqual([client.name, server.name], [kex, kex]);
        assert.deepEqual(client.cookie, server.cookie);
        assert.deepEqual(client.secret, server.secret);
        const [ours, theirs] = [client.ephemeralKey, server.ephemeralKey];
        assert.ok(ours !== undefined && theirs !== undefined);
        assert.deepEqual(Buffer.from(client.secret), mpint(secretOf(ours, theirs)));
      }
      for (const what of ["cookie", "secret"] as const) {
        assert.equal(new Set(told.map(({ client }) => String(client[what]))).size, told.length);
      }
    },
  );
}

test("A rekey makes one more exchange, the session goes on, and its identifier stays.", limits, async () => {
  await using all = await watched("curve25519-sha256");
  const { pair, exchanges } = all;
  const { near, far } = await pair.channel();
  const id = Buffer.from(pair.ports.sessionId);
  assert.equal(id.length, 32);
  const rekeyed = new Promise<void>((resolve) => pair.connection.once("rekey", resolve));
  pair.ports.rekey();
  pair.ports.rekey();
  assert.deepEqual(Buffer.from(pair.ports.sessionId), id);
  near.end("hello");
  await rekeyed;
  far.resume();
  await new Promise<void>((resolve) => far.once("end", resolve));
  assert.deepEqual([exchanges.client.length, exchanges.server.length], [2, 2]);
  assert.deepEqual(Buffer.from(pair.ports.sessionId), id);
});

test(
  "Whoever asks late hears of the next exchange, and all who ask do; while nobody does nothing is told.",
  limits,
  async () => {
    const told: string[] = [];
    await using pair = await ChannelPair.open();
    const { ports } = pair;
    const { _kex: exchange } = viewOf(ports.client)._protocol;
    assert.ok(exchange !== undefined);
    assert.equal(Object.hasOwn(exchange, "computeSecret"), false, "its secret goes to ssh2 alone");
    for (const name of ["first", "second"]) ports.onKeyExchange(() => told.push(name));
    assert.deepEqual(told, []);
    const rekeyed = new Promise<void>((resolve) => pair.client.once("handshake", () => resolve()));
    ports.rekey();
    await rekeyed;
    assert.deepEqual(told.sort(), ["first", "second"]);
  },
);

test("What the server says of itself is there once it has come.", limits, async () => {
  let early: readonly unknown[] = [];
  await using pair = await ChannelPair.open({
    attached: ({ serverSoftware, sessionId }) => {
      early = [serverSoftware, sessionId.length];
    },
  });
  assert.deepEqual(early, ["", 0]);
  assert.match(pair.ports.serverSoftware, /^ssh2js/);
  assert.equal(pair.ports.client, pair.client);
});
