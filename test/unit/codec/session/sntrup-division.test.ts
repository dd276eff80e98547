import assert from "node:assert/strict";
import { test } from "node:test";
import { divide, nearZero } from "../../../../src/codec/session/sntrup-division.ts";
import { bigModulus, degree, multiply } from "../../../../src/codec/session/sntrup-rings.ts";
import { randomShort } from "../../../../src/ssh/algorithm/sntrup-chance.ts";
import { rounds } from "../../../kit/effort.ts";

/** How far from zero a coefficient gets while it is divided. */
const farthest = 3040;
const one = Int32Array.from({ length: degree }, (_, i) => (i === 0 ? 1 : 0));

test("Every short polynomial can be divided by, and the quotient times it is the number.", { timeout: 30_000 }, () => {
  for (let round = 0; round < rounds(30, 5); round++) {
    const by = randomShort();
    const times = by.map((each) => 3 * each);
    assert.deepEqual(multiply(times, divide(-1530, by), bigModulus), one);
  }
});

test("A power of x can be divided by.", { timeout: 30_000 }, () => {
  for (let power = 0; power < degree; power += 40) {
    const by = new Int32Array(degree);
    by[power] = -1;
    assert.deepEqual(multiply(by, divide(1, by), bigModulus), one);
  }
});

test("A difference of two products is brought near zero and keeps its remainder, however large it is.", () => {
  const largest = 2 * farthest ** 2;
  for (let value = -largest; value <= largest; value += 61) {
    const near = nearZero(value);
    if (Math.abs(near) > farthest || (value - near) % bigModulus !== 0) assert.fail(`${value} became ${near}`);
  }
  for (let value = -bigModulus * 4000; value <= bigModulus * 4000; value += bigModulus)
    assert.equal(nearZero(value), 0);
});
