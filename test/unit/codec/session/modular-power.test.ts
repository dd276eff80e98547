import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { bytesOf, groupPrime, modularPower, numberOf } from "../../../../src/codec/session/modular-power.ts";

/** SHA-256 of what `openssl` and node:crypto have as modp2, modp14 to modp18. */
const digests = [
  [1024, "3f35a3f5f6c4376a744acad409bb22f8d897f949d2311d885adaa890981b67a0"],
  [2048, "d66436f79bbd6b2e38c0ffbd079be904d2641415e2e67140e09448be9a60890e"],
  [3072, "48cf8b092fbce4359d9871abf74f98e25b6163379eaa15cd9087e800c6d1c55c"],
  [4096, "4ee95187682bcb230ad26a95205f6920e84708f6251b3894329b09ec23919e33"],
  [6144, "d1bfe6d0925ce7e4da262b62861514a7755e35831e429f343e7b864848657efd"],
  [8192, "39ab4feab950a3128fb71accb9fc3965d857012e081998a85996e3ea8b3c3bcf"],
] as const;

test("The primes are those of RFC 2409 and RFC 3526, to the last bit.", () => {
  for (const [bits, digest] of digests) {
    const prime = groupPrime(bits);
    assert.ok(prime !== undefined);
    assert.equal(bytesOf(prime).length, bits / 8);
    assert.equal(createHash("sha256").update(bytesOf(prime)).digest("hex"), digest, `${bits} bits`);
    assert.equal(groupPrime(bits), prime, "and again");
  }
});

test("There is no prime of another size.", () => {
  for (const bits of [0, 512, 2047, 16_384]) assert.equal(groupPrime(bits), undefined);
});

test("A power is what multiplying that often makes.", () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 1n << 80n }),
      fc.integer({ min: 0, max: 300 }),
      fc.bigInt({ min: 2n, max: 1n << 90n }),
      (base, exponent, modulus) => {
        let expected = 1n;
        for (let step = 0; step < exponent; step++) expected = (expected * base) % modulus;
        assert.equal(modularPower(base, BigInt(exponent), modulus), expected);
      },
    ),
  );
});

test("By Fermat's theorem a power of p - 1 is 1.", () => {
  const prime = groupPrime(2048);
  assert.ok(prime !== undefined);
  assert.equal(modularPower(0x1234_5678n, prime - 1n, prime), 1n);
});

test("Numbers go to bytes and back; leading zeros are no part of them.", () => {
  fc.assert(fc.property(fc.bigInt({ min: 0n, max: 1n << 600n }), (number) => numberOf(bytesOf(number)) === number));
  assert.deepEqual([...bytesOf(0x1ffn)], [1, 0xff]);
  assert.equal(numberOf(Buffer.of(0, 0, 7)), 7n);
  assert.equal(numberOf(Buffer.alloc(0)), 0n);
});
