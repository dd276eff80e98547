import assert from "node:assert/strict";
import { test } from "node:test";
import { bigModulus, degree, multiply, type Polynomial, reduce } from "../../../../src/codec/session/sntrup-rings.ts";

function polynomial(coefficients: Readonly<Record<number, number>>): Polynomial {
  const made = new Int32Array(degree);
  for (const [power, coefficient] of Object.entries(coefficients)) made[Number(power)] = coefficient;
  return made;
}

test("A number is brought nearest to zero.", () => {
  for (const [value, modulus, reduced] of [
    [2295, bigModulus, 2295],
    [2296, bigModulus, -2295],
    [-2296, bigModulus, 2295],
    [2 ** 31 - 1, bigModulus, ((2 ** 31 - 1 + 2295) % bigModulus) - 2295],
    [-(2 ** 31), bigModulus, (((-(2 ** 31) % bigModulus) + bigModulus + 2295) % bigModulus) - 2295],
    [2, 3, -1],
    [-2, 3, 1],
    [3, 3, 0],
  ] as const) {
    assert.equal(reduce(value, modulus), reduced);
  }
});

test("x^760 times x is x + 1, in both rings.", () => {
  for (const modulus of [3, bigModulus]) {
    assert.deepEqual(multiply(polynomial({ 760: 1 }), polynomial({ 1: 1 }), modulus), polynomial({ 0: 1, 1: 1 }));
  }
});

test("A product is the one of schoolbooks.", () => {
  const a = polynomial({ 0: 1, 700: -1 });
  const b = polynomial({ 0: 2000, 100: 7 });
  // x^800 is x^40 + x^39.
  assert.deepEqual(multiply(a, b, bigModulus), polynomial({ 0: 2000, 100: 7, 700: -2000, 40: -7, 39: -7 }));
});
