import assert from "node:assert/strict";
import crypto from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { Chacha20, type CipherModule, withChacha20 } from "../../../../src/ssh/algorithm/chacha20.ts";

/** draft-strombergson-chacha-test-vectors, TC1 to TC3: 256-bit key, 20 rounds; the first block. */
const vectors = [
  ["", "", "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"],
  ["01", "", "c5d30a7ce1ec119378c84f487d775a8542f13ece238a9455e8229e888de85bbd"],
  ["", "01", "ef3fdfd6c61578fbf5cf35bd3dd33b8009631634d21e42ac33960bd138e50d32"],
] as const;

function streamOf(key: Uint8Array, iv: Uint8Array, length: number): Buffer {
  return new Chacha20(key, iv).update(Buffer.alloc(length));
}

test("The key stream is the one of the published test vectors.", () => {
  for (const [keyStart, nonceStart, expected] of vectors) {
    const key = Buffer.alloc(32);
    key.write(keyStart, "hex");
    const iv = Buffer.alloc(16);
    iv.write(nonceStart, 8, "hex");
    assert.equal(streamOf(key, iv, 32).toString("hex"), expected);
  }
});

test("A counter of one begins with the second block.", () => {
  const key = Buffer.alloc(32, 7);
  const second = Buffer.alloc(16);
  second[0] = 1;
  assert.deepEqual(streamOf(key, second, 64), streamOf(key, Buffer.alloc(16), 128).subarray(64));
});

test("What was encrypted decrypts, wherever it lies in memory, and the IV may change meanwhile.", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.uint8Array({ minLength: 12, maxLength: 12 }),
      fc.uint8Array({ maxLength: 300 }),
      fc.integer({ min: 0, max: 5 }),
      (key, nonce, data, offset) => {
        const iv = Buffer.concat([Buffer.alloc(4), nonce.subarray(0, 0), Buffer.from(nonce)]);
        const shifted = Buffer.concat([Buffer.alloc(offset), data]).subarray(offset);
        const cipher = new Chacha20(key, iv);
        const decipher = new Chacha20(key, iv);
        iv.fill(0xff);
        assert.deepEqual(decipher.update(cipher.update(shifted)), Buffer.from(data));
        assert.deepEqual(Buffer.from(shifted), Buffer.from(data), "what was given stays as it was");
      },
    ),
  );
});

function module(names: readonly string[]): CipherModule {
  const { createCipheriv, createDecipheriv } = crypto;
  return { createCipheriv, createDecipheriv, getCiphers: () => [...names] };
}

test("While ssh2 loads, node:crypto has the cipher; afterwards it is as it was.", async () => {
  const fake = module(["aes-128-ctr"]);
  const before = { ...fake };
  const [key, iv] = [Buffer.alloc(32, 1), Buffer.alloc(16, 2)];
  await withChacha20(fake, async () => {
    assert.deepEqual(fake.getCiphers(), ["aes-128-ctr", "chacha20"]);
    const expected = streamOf(key, Buffer.from(iv), 5);
    // As far as the first four bytes count blocks, what stands behind them is the nonce's affair.
    iv.fill(0, 4, 8);
    assert.deepEqual(fake.createCipheriv("chacha20", key, iv).update(Buffer.alloc(5)), expected);
    assert.deepEqual(fake.createDecipheriv("chacha20", key, iv).update(expected), Buffer.alloc(5));
    const aes = (create: typeof crypto.createCipheriv) => create("aes-128-ctr", key.subarray(16), iv).update("text");
    assert.deepEqual(aes(fake.createCipheriv), aes(crypto.createCipheriv), "others pass through");
  });
  assert.deepEqual(fake, before);
});

test("It is as it was also when the loading failed.", async () => {
  const fake = module([]);
  const before = { ...fake };
  await assert.rejects(
    withChacha20(fake, () => Promise.reject(new Error("not there"))),
    /not there/,
  );
  assert.deepEqual(fake, before);
});

test("A runtime that has the cipher is not touched.", async () => {
  const fake = Object.freeze(module(["chacha20"]));
  await withChacha20(fake, async () => {
    assert.deepEqual(fake.getCiphers(), ["chacha20"]);
  });
});
