import assert from "node:assert/strict";
import { test } from "node:test";
import { degree, multiply, type Polynomial } from "../../../../src/codec/session/sntrup-rings.ts";
import { inverseModulo3 } from "../../../../src/codec/session/sntrup-thirds.ts";
import { randomSmall } from "../../../../src/ssh/algorithm/sntrup-chance.ts";
import { rounds } from "../../../kit/effort.ts";

function polynomial(coefficients: Readonly<Record<number, number>>): Polynomial {
  const made = new Int32Array(degree);
  for (const [power, coefficient] of Object.entries(coefficients)) made[Number(power)] = coefficient;
  return made;
}

const one = polynomial({ 0: 1 });

test("What has an inverse modulo 3 is inverted, and zero has none.", { timeout: 30_000 }, () => {
  let inverted = 0;
  for (let round = 0; round < rounds(100, 20); round++) {
    const by = randomSmall();
    const inverse = inverseModulo3(by);
    if (inverse === undefined) continue;
    inverted++;
    assert.deepEqual(multiply(by, inverse, 3), one);
  }
  assert.ok(inverted > 0);
  assert.equal(inverseModulo3(polynomial({})), undefined);
});

test("A power of x has its inverse modulo 3, with either sign.", { timeout: 30_000 }, () => {
  for (const power of [0, 1, 30, 31, 32, 33, 63, 64, 380, 735, 736, 759, 760]) {
    for (const sign of [1, -1]) {
      const by = polynomial({ [power]: sign });
      const inverse = inverseModulo3(by) ?? assert.fail(`x^${power} has no inverse`);
      assert.deepEqual(multiply(by, inverse, 3), one, `x^${power}`);
      if (power === 0) assert.deepEqual(inverse, by);
    }
  }
});
