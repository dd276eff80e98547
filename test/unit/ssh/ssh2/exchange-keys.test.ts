import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { type ExchangeKeys, watchKeys } from "../../../../src/ssh/ssh2/exchange-keys.ts";
import type { ExchangeView, ExchangingView } from "../../../../src/ssh/ssh2/exchange-view.ts";
import { exchangesOf } from "../../../../src/ssh/ssh2/exchange-watch.ts";

/** A KEXINIT: its number, 16 bytes of cookie, and lists. */
const kexInit = (fill: string) => Buffer.concat([Buffer.of(20), Buffer.alloc(16, fill), Buffer.from("lists")]);

/** An exchange that comes to this secret, on one side of a connection that is watched. */
function made(isServer: boolean, secret: Buffer | Error, changes: Partial<ExchangeView> = {}) {
  const protocol: ExchangingView = { _server: isServer, _onError: () => assert.fail("no error is told here") };
  const told: ExchangeKeys[] = [];
  watchKeys(exchangesOf(protocol), (keys) => told.push(keys));
  const asked: Buffer[] = [];
  const exchange = {
    negotiated: { kex: "curve25519-sha256", serverHostKey: "ssh-ed25519" },
    _protocol: protocol,
    _kexinit: kexInit("o"),
    _remoteKexinit: kexInit("t"),
    _dh: null,
    _keys: null,
    computeSecret(this: unknown, otherPublicKey: Buffer) {
      assert.equal(this, exchange);
      asked.push(otherPublicKey);
      return secret;
    },
    ...changes,
  } as ExchangeView;
  protocol._kex = exchange;
  return { exchange, told, asked };
}

test("Keys are told once the secret is computed, and ssh2 gets it as it was.", () => {
  const secret = Buffer.from("secret");
  const { exchange, told, asked } = made(false, secret);
  assert.equal(told.length, 0, "there is no secret yet");
  const share = Buffer.from("share");
  assert.equal(exchange.computeSecret(share), secret);
  assert.deepEqual(asked, [share]);
  assert.deepEqual(
    told.map((keys) => ({ ...keys, secret: String(Buffer.from(keys.secret)) })),
    [
      {
        name: "curve25519-sha256",
        cookie: Uint8Array.from(Buffer.alloc(16, "o")),
        secret: "secret",
        ephemeralKey: undefined,
      },
    ],
  );
});

test("On either side the cookie is that of the client's KEXINIT.", () => {
  for (const [isServer, fill] of [
    [false, "o"],
    [true, "t"],
  ] as const) {
    const { exchange, told } = made(isServer, Buffer.from("secret"));
    exchange.computeSecret(Buffer.alloc(1));
    assert.equal(String(Buffer.from(told[0]?.cookie ?? [])), fill.repeat(16));
  }
});

test("What is told stays as it was, whatever ssh2 does with its buffers.", () => {
  const secret = Buffer.from("secret");
  const { exchange, told } = made(false, secret);
  exchange.computeSecret(Buffer.alloc(1));
  secret.fill(0);
  exchange._kexinit.fill(0);
  assert.deepEqual(told[0]?.secret, Uint8Array.from(Buffer.from("secret")));
  assert.deepEqual(told[0]?.cookie, Uint8Array.from(Buffer.alloc(16, "o")));
});

test("An exchange that comes to nothing tells nothing.", () => {
  const failure = new Error("the server's public key is none");
  const { exchange, told } = made(false, failure);
  assert.equal(exchange.computeSecret(Buffer.alloc(1)), failure);
  assert.equal(told.length, 0);
});

test("The ephemeral key is the private one of the exchange, of whatever form.", () => {
  const key = Buffer.from("private");
  const dh = { getPrivateKey: () => key, computeSecret: () => assert.fail("ssh2 computes") };
  const classic = made(false, Buffer.from("secret"), { _dh: dh });
  classic.exchange.computeSecret(Buffer.alloc(1));
  assert.deepEqual(classic.told[0]?.ephemeralKey, key);

  const pair = generateKeyPairSync("x25519");
  const curve = made(false, Buffer.from("secret"), { _keys: pair });
  curve.exchange.computeSecret(Buffer.alloc(1));
  // PKCS #8 of id-X25519 ends with the 32 bytes of the key (RFC 8410, section 7).
  const bytes = pair.privateKey.export({ type: "pkcs8", format: "der" }).subarray(-32);
  assert.deepEqual(Buffer.from(curve.told[0]?.ephemeralKey ?? []), bytes);
});

test("The keys may be made as late as with the secret, and changed by whoever took the exchange over.", () => {
  const dh = { getPrivateKey: () => Buffer.from("late"), computeSecret: () => assert.fail("ssh2 computes") };
  const { exchange, told } = made(false, Buffer.alloc(0), {
    computeSecret() {
      this._dh = dh;
      return Buffer.from("secret");
    },
  } as Partial<ExchangeView>);
  exchange.negotiated.kex = "mlkem768x25519-sha256";
  exchange.computeSecret(Buffer.alloc(1));
  assert.deepEqual([told[0]?.name, String(told[0]?.ephemeralKey)], ["mlkem768x25519-sha256", "late"]);
});
