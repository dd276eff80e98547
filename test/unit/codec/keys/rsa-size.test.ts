import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { rsaBits } from "../../../../src/codec/keys/rsa-size.ts";
import { writeStrings } from "../../../../src/codec/ssh-string.ts";

const exponent = Buffer.from([1, 0, 1]);

function blobOf(modulus: Uint8Array): Buffer {
  return writeStrings("ssh-rsa", exponent, modulus);
}

for (const bits of [1024, 2048, 3072]) {
  test(`A key of ${bits} bits is one of ${bits} bits.`, { timeout: 60_000 }, () => {
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength: bits });
    const modulus = Buffer.from(publicKey.export({ format: "jwk" }).n ?? "", "base64url");
    assert.equal(rsaBits(blobOf(Buffer.concat([Buffer.alloc(1), modulus]))), bits);
  });
}

test("Bits are counted from the first that is set.", () => {
  const number = fc.bigInt({ min: 1n, max: 2n ** 600n });
  fc.assert(
    fc.property(number, fc.nat(3), (value, zeros) => {
      const hex = value.toString(16);
      const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
      assert.equal(rsaBits(blobOf(Buffer.concat([Buffer.alloc(zeros), bytes]))), value.toString(2).length);
    }),
  );
});

test("Other keys, and what is cut off, have no such size.", () => {
  assert.equal(rsaBits(writeStrings("ssh-ed25519", Buffer.alloc(32, 1))), undefined);
  assert.equal(rsaBits(writeStrings("ssh-rsa", exponent)), undefined);
  assert.equal(rsaBits(writeStrings("ssh-rsa", exponent, Buffer.alloc(4))), 0);
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 60 }),
      (rest) => void rsaBits(Buffer.concat([writeStrings("ssh-rsa"), rest])),
    ),
  );
});
