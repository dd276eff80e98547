import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import {
  decodePolynomial,
  decodeRounded,
  encodePolynomial,
  encodeRounded,
  encodeSmall,
  polynomialBytes,
  roundedBytes,
} from "../../../../src/codec/session/sntrup-coding.ts";
import { degree, type Polynomial } from "../../../../src/codec/session/sntrup-rings.ts";
import { rounds } from "../../../kit/effort.ts";

function randomPolynomial(lowest: number, count: number, unit: number): Polynomial {
  return Int32Array.from({ length: degree }, () => lowest + unit * Math.floor(Math.random() * count));
}

test("A polynomial is read as it was written, in 1158 bytes.", () => {
  const ends = [-2295, 0, 2295].map((each) => new Int32Array(degree).fill(each));
  const random = Array.from({ length: rounds(200) }, () => randomPolynomial(-2295, 4591, 1));
  for (const polynomial of [...ends, ...random]) {
    const bytes = encodePolynomial(polynomial);
    assert.equal(bytes.length, polynomialBytes);
    assert.deepEqual(decodePolynomial(bytes), polynomial);
  }
});

test("A rounded polynomial is read as it was written, in 1007 bytes.", () => {
  const ends = [-2295, 0, 2295].map((each) => new Int32Array(degree).fill(each));
  const random = Array.from({ length: rounds(200) }, () => randomPolynomial(-2295, 1531, 3));
  for (const polynomial of [...ends, ...random]) {
    const bytes = encodeRounded(polynomial);
    assert.equal(bytes.length, roundedBytes);
    assert.deepEqual(decodeRounded(bytes), polynomial);
  }
});

test("Whatever the bytes are, the coefficients stay in their range.", () => {
  const bytes = (count: number) => [Buffer.alloc(count), Buffer.alloc(count, 255), randomBytes(count)];
  for (const text of bytes(polynomialBytes)) {
    assert.ok(decodePolynomial(text).every((each) => Math.abs(each) <= 2295));
  }
  for (const text of bytes(roundedBytes)) {
    assert.ok(decodeRounded(text).every((each) => Math.abs(each) <= 2295 && each % 3 === 0));
  }
});

test("Small coefficients stand four in a byte, the first in the lowest bits.", () => {
  const small = new Int32Array(degree);
  small.set([-1, 0, 1, 0]);
  small[degree - 1] = 1;
  const bytes = encodeSmall(small);
  assert.equal(bytes.length, 191);
  assert.deepEqual([bytes[0], bytes[1], bytes[190]], [0b01_10_01_00, 0b01_01_01_01, 0b10]);
});
