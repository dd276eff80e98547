import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bigModulus,
  degree,
  divide,
  multiply,
  type Polynomial,
  reduce,
} from "../../../../src/codec/session/sntrup-rings.ts";
import { randomShort, randomSmall } from "../../../../src/ssh/algorithm/sntrup-chance.ts";
import { rounds } from "../../../kit/effort.ts";

const limits = { timeout: 30_000 };

function polynomial(coefficients: Readonly<Record<number, number>>): Polynomial {
  const made = new Int32Array(degree);
  for (const [power, coefficient] of Object.entries(coefficients)) made[Number(power)] = coefficient;
  return made;
}

const one = polynomial({ 0: 1 });

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

test("Modulo 4591 every short polynomial can be divided by, and the quotient times it is the number.", limits, () => {
  for (let round = 0; round < rounds(30, 5); round++) {
    const by = randomShort();
    const quotient = divide(-1530, by, bigModulus) ?? assert.fail("it has no inverse");
    assert.deepEqual(
      multiply(
        by.map((each) => 3 * each),
        quotient,
        bigModulus,
      ),
      one,
    );
  }
});

test("Modulo 3 what has an inverse is inverted, and zero and the factors of the ring have none.", limits, () => {
  let inverted = 0;
  for (let round = 0; round < rounds(30, 5); round++) {
    const by = randomSmall();
    const inverse = divide(1, by, 3);
    if (inverse === undefined) continue;
    inverted++;
    assert.deepEqual(multiply(by, inverse, 3), one);
  }
  assert.ok(inverted > 0);
  assert.equal(divide(1, polynomial({}), 3), undefined);
  assert.deepEqual(divide(1, polynomial({ 0: -1 }), 3), polynomial({ 0: -1 }));
});
