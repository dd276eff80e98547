/**
 * Streamlined NTRU Prime 761, the key encapsulation in sntrup761x25519-sha512 (https://ntruprime.cr.yp.to, the
 * specification of round 3; draft-josefsson-ntruprime-ssh). Written here, because no well-kept library has it. A key
 * serves one exchange only.
 */
import { createHash, randomBytes } from "node:crypto";
import {
  decodePolynomial,
  decodeRounded,
  encodePolynomial,
  encodeRounded,
  encodeSmall,
  polynomialBytes,
  roundedBytes,
} from "../../codec/session/sntrup-coding.ts";
import { divide } from "../../codec/session/sntrup-division.ts";
import { bigModulus, degree, multiply, type Polynomial, reduce } from "../../codec/session/sntrup-rings.ts";
import { inverseModulo3 } from "../../codec/session/sntrup-thirds.ts";
import { randomShort, randomSmall, weight } from "./sntrup-chance.ts";

export interface SntrupKey {
  readonly f: Polynomial;
  /** 1/g modulo 3. */
  readonly gInverse: Polynomial;
  readonly publicKey: Uint8Array;
  /** Stands for the secret of a cipher text that is wrong, so that nobody learns from the answer that it was. */
  readonly rho: Uint8Array;
}

export const sntrup761 = { keygen, encapsulate, decapsulate };

const confirmationBytes = 32;

function keygen(): { publicKey: Uint8Array; secretKey: SntrupKey } {
  const f = randomShort();
  const inverse = divide(oneThird, f);
  for (;;) {
    const g = randomSmall();
    const gInverse = inverseModulo3(g);
    if (gInverse === undefined) continue;
    const publicKey = encodePolynomial(multiply(g, inverse, bigModulus));
    return { publicKey, secretKey: { f, gInverse, publicKey, rho: randomBytes(Math.ceil(degree / 4)) } };
  }
}

/** 3 times -1530 is one more than -4591. */
const oneThird = -1530;

/** The other side's half. Throws when the key has another length. */
function encapsulate(publicKey: Uint8Array): { cipherText: Uint8Array; sharedSecret: Uint8Array } {
  if (publicKey.length !== polynomialBytes) throw new Error(`the key has ${publicKey.length} bytes`);
  const r = randomShort();
  const cipherText = encrypt(r, publicKey);
  return { cipherText, sharedSecret: sessionKey(1, encodeSmall(r), cipherText) };
}

/** Throws when the cipher text has another length. A wrong one gives a secret that nobody knows. */
function decapsulate(cipherText: Uint8Array, { f, gInverse, publicKey, rho }: SntrupKey): Uint8Array {
  if (cipherText.length !== roundedBytes + confirmationBytes) {
    throw new Error(`the cipher text has ${cipherText.length} bytes`);
  }
  const c = decodeRounded(cipherText.subarray(0, roundedBytes));
  const timesThree = multiply(f, c, bigModulus).map((each) => reduce(reduce(3 * each, bigModulus), 3));
  const r = ofRightWeight(multiply(timesThree, gInverse, 3));
  const again = encrypt(r, publicKey);
  const wrong = differs(again, cipherText);
  const seed = encodeSmall(r).map((byte, i) => byte ^ (wrong & (byte ^ (rho[i] ?? 0))));
  return sessionKey(1 + wrong, seed, cipherText);
}

/** `r` as a rounded cipher text, with a hash that confirms it. */
function encrypt(r: Polynomial, publicKey: Uint8Array): Uint8Array {
  const product = multiply(r, decodePolynomial(publicKey), bigModulus);
  const rounded = encodeRounded(product.map((each) => each - reduce(each, 3)));
  const confirmation = hash(2, hash(3, encodeSmall(r)), hash(4, publicKey));
  return Buffer.concat([rounded, confirmation]);
}

/** The polynomial itself when 286 coefficients are not zero. Otherwise one that has them at its beginning. */
function ofRightWeight(r: Polynomial): Polynomial {
  let found = 0;
  for (const each of r) found += each & 1;
  const wrong = maskOf(found ^ weight);
  return r.map((each, i) => each ^ (wrong & (each ^ (i < weight ? 1 : 0))));
}

/** -1 when the texts differ, otherwise 0. */
function differs(one: Uint8Array, other: Uint8Array): number {
  let bits = 0;
  for (let i = 0; i < one.length; i++) bits |= (one[i] ?? 0) ^ (other[i] ?? 0);
  return maskOf(bits);
}

/** -1 for a number that is not zero, otherwise 0. */
function maskOf(value: number): number {
  return (value | -value) >> 31;
}

function sessionKey(kind: number, seed: Uint8Array, cipherText: Uint8Array): Uint8Array {
  return hash(kind, hash(3, seed), cipherText);
}

/** The first half of SHA-512. The first byte says what is hashed. */
function hash(kind: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const digest = createHash("sha512").update(Uint8Array.of(kind));
  for (const part of parts) digest.update(part);
  return digest.digest().subarray(0, 32);
}
