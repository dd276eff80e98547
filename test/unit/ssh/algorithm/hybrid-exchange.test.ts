import assert from "node:assert/strict";
import { createHash, createPrivateKey, createPublicKey } from "node:crypto";
import { test } from "node:test";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import {
  curvePublicBytes,
  curveSecret,
  type Hybrid,
  HybridClient,
  hybridExchanges,
  mlkemHybrid,
  newCurveKey,
  sntrupHybrid,
} from "../../../../src/ssh/algorithm/hybrid-exchange.ts";
import type { ExchangeView, ExchangingView } from "../../../../src/ssh/ssh2/exchange-view.ts";
import { TakenExchange } from "../../../../src/ssh/ssh2/taken-exchange.ts";

/** RFC 7748, section 6.1. */
const aliceKey = curveKey("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
const alicePublic = hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
const bobPublic = hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
const aliceAndBob = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";

function hex(text: string): Buffer {
  return Buffer.from(text, "hex");
}

function curveKey(privateHex: string) {
  const key = Buffer.concat([hex("302e020100300506032b656e04220420"), hex(privateHex)]);
  const privateKey = createPrivateKey({ key, format: "der", type: "pkcs8" });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

const cipherTextBytes = 1088;

/** Gives what it is told, and keeps what it is asked. */
function playedKem() {
  const asked: Uint8Array[] = [];
  const kem: Hybrid["kem"] = {
    keygen: () => ({ publicKey: Buffer.alloc(1184, 1), secretKey: Buffer.alloc(2400, 2) }),
    encapsulate: () => assert.fail("a client encapsulates nothing"),
    decapsulate: (cipherText) => {
      asked.push(cipherText);
      return Buffer.alloc(32, 3);
    },
  };
  const hybrid: Hybrid = { kem, hash: "sha256", publicKeyBytes: 1184, cipherTextBytes };
  return { hybrid, asked };
}

const mlkemAddition = hybridExchanges.get("mlkem768x25519-sha256");

test("X25519 is the one of RFC 7748.", () => {
  assert.deepEqual(curvePublicBytes(aliceKey.publicKey), alicePublic);
  assert.equal(curveSecret(aliceKey.privateKey, bobPublic).toString("hex"), aliceAndBob);
});

test("The client's share is the ML-KEM key, then the X25519 key; K is the SHA-256 of both secrets in this order.", () => {
  const { hybrid, asked } = playedKem();
  const client = new HybridClient(hybrid, aliceKey);
  assert.deepEqual(client.share, Buffer.concat([Buffer.alloc(1184, 1), alicePublic]));
  const cipherText = Buffer.alloc(cipherTextBytes, 4);
  const secret = client.secret(Buffer.concat([cipherText, bobPublic]));
  assert.deepEqual(asked.map(Buffer.from), [cipherText]);
  const both = Buffer.concat([Buffer.alloc(32, 3), hex(aliceAndBob)]);
  assert.deepEqual(secret, createHash("sha256").update(both).digest());
});

test("ML-KEM-768 is the one of FIPS 203: a hundred keys, secrets and refusals have the digest that Go's crypto/mlkem publishes.", {
  timeout: 30_000,
}, () => {
  const times = 100;
  const [seedBytes, messageBytes] = [64, 32];
  const length = times * (seedBytes + messageBytes + cipherTextBytes);
  const chance = createHash("shake128", { outputLength: length }).digest();
  let at = 0;
  const take = (bytes: number) => {
    at += bytes;
    return chance.subarray(at - bytes, at);
  };
  const all = createHash("shake128", { outputLength: 32 });
  for (let time = 0; time < times; time++) {
    const { publicKey, secretKey } = ml_kem768.keygen(take(seedBytes));
    const { cipherText, sharedSecret } = ml_kem768.encapsulate(publicKey, take(messageBytes));
    assert.deepEqual(ml_kem768.decapsulate(cipherText, secretKey), sharedSecret);
    all.update(publicKey).update(cipherText).update(sharedSecret);
    all.update(ml_kem768.decapsulate(take(cipherTextBytes), secretKey));
  }
  assert.equal(all.digest("hex"), "1114b1b6699ed191734fa339376afa7e285c9e6acf6ff0177d346696ce564415");
});

for (const [load, publicKeyBytes, kBytes] of [
  [mlkemHybrid, 1184, 32],
  [sntrupHybrid, 1158, 64],
] as const) {
  test(`With the real ${load.name} both sides come to the same K, of ${kBytes} bytes.`, async () => {
    const hybrid: Hybrid<unknown> = (await load()) as Hybrid<unknown>;
    const client = new HybridClient(hybrid);
    assert.equal(client.share.length, publicKeyBytes + 32);
    const { cipherText, sharedSecret } = hybrid.kem.encapsulate(client.share.subarray(0, publicKeyBytes));
    const curve = newCurveKey();
    const classical = curveSecret(curve.privateKey, client.share.subarray(publicKeyBytes));
    const expected = createHash(hybrid.hash).update(sharedSecret).update(classical).digest();
    assert.equal(expected.length, kBytes);
    assert.deepEqual(client.secret(Buffer.concat([cipherText, curvePublicBytes(curve.publicKey)])), expected);
  });
}

test("Every name has an exchange, mlkemHybrid first as in OpenSSH 10.", () => {
  assert.deepEqual(
    [...hybridExchanges.keys()],
    ["mlkem768x25519-sha256", "sntrup761x25519-sha512", "sntrup761x25519-sha512@openssh.com"],
  );
});

for (const length of [0, 32, cipherTextBytes, cipherTextBytes + 31, cipherTextBytes + 33]) {
  test(`A server's share of ${length} bytes is refused.`, () => {
    const client = new HybridClient(playedKem().hybrid);
    assert.throws(() => client.secret(Buffer.alloc(length, 9)), new RegExp(`share has ${length} bytes, not 1120`));
  });
}

test("An X25519 key of the server's that gives everybody the same secret is refused.", () => {
  for (const key of [Buffer.alloc(32), Buffer.concat([Buffer.of(1), Buffer.alloc(31)])]) {
    const client = new HybridClient(playedKem().hybrid);
    assert.throws(() => client.secret(Buffer.concat([Buffer.alloc(cipherTextBytes, 4), key])));
  }
});

test("An exchange is started once the library is there, with the share of this one connection.", async () => {
  const started = new Promise<Buffer>((resolve) => {
    const exchange = {
      start(this: ExchangeView) {
        resolve(this.getPublicKey());
      },
    } as ExchangeView;
    mlkemAddition?.client?.(new TakenExchange(exchange));
    const early = exchange.computeSecret(Buffer.alloc(cipherTextBytes + 32));
    assert.ok(early instanceof Error && /before it was asked/.test(early.message));
    exchange.start();
    assert.deepEqual(exchange.convertPublicKey(Buffer.of(0, 0, 1)), Buffer.of(0, 0, 1), "zeros are part of a share");
  });
  assert.equal((await started).length, 1184 + 32);
});

test("A start that fails ends the handshake, and is not lost.", async () => {
  const failure = new Promise<Error>((resolve) => {
    const protocol: ExchangingView = { _server: false, _onError: resolve };
    const exchange = {
      _protocol: protocol,
      start(): void {
        throw new Error("no more");
      },
    } as ExchangeView;
    mlkemAddition?.client?.(new TakenExchange(exchange));
    exchange.start();
  });
  const { message, level }: { message: string; level?: string } = await failure;
  assert.deepEqual([message, level], ["no more", "handshake"]);
});
