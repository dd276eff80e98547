import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { test } from "node:test";
import { sntrup761 } from "../../../../src/ssh/algorithm/sntrup761.ts";
import { rounds } from "../../../kit/effort.ts";

const limits = { timeout: 30_000 };

test("Both sides come to the same secret, with every key and every chance.", limits, () => {
  for (let round = 0; round < rounds(100, 10); round++) {
    const { publicKey, secretKey } = sntrup761.keygen();
    const { cipherText, sharedSecret } = sntrup761.encapsulate(publicKey);
    assert.deepEqual([publicKey.length, cipherText.length, sharedSecret.length], [1158, 1039, 32]);
    assert.deepEqual(sntrup761.decapsulate(cipherText, secretKey), sharedSecret);
  }
});

test("A cipher text with one changed bit gives another secret, always the same one, and no error.", limits, () => {
  const { publicKey, secretKey } = sntrup761.keygen();
  const { cipherText, sharedSecret } = sntrup761.encapsulate(publicKey);
  const places = Array.from({ length: rounds(200, 20) }, () => randomInt(cipherText.length));
  for (const place of [0, 1006, 1007, 1038, ...places]) {
    const changed = Buffer.from(cipherText);
    changed[place] = (changed[place] ?? 0) ^ (1 << randomInt(8));
    const secret = sntrup761.decapsulate(changed, secretKey);
    assert.notDeepEqual(secret, sharedSecret);
    assert.deepEqual(sntrup761.decapsulate(changed, secretKey), secret);
  }
});

test("A cipher text of any bytes is taken: nobody learns from an answer what is wrong with it.", limits, () => {
  const { secretKey } = sntrup761.keygen();
  for (const byte of [0, 1, 127, 255]) {
    assert.equal(sntrup761.decapsulate(Buffer.alloc(1039, byte), secretKey).length, 32);
  }
});

test("Keys and cipher texts of another length are refused.", limits, () => {
  const { secretKey } = sntrup761.keygen();
  for (const length of [0, 1038, 1040]) {
    assert.throws(() => sntrup761.decapsulate(Buffer.alloc(length), secretKey), new RegExp(`has ${length} bytes`));
  }
  for (const length of [0, 1157, 1159]) {
    assert.throws(() => sntrup761.encapsulate(Buffer.alloc(length)), new RegExp(`has ${length} bytes`));
  }
});
