import assert from "node:assert/strict";
import { test } from "node:test";
import { degree, type Polynomial } from "../../../../src/codec/session/sntrup-rings.ts";
import { randomShort, randomSmall, weight } from "../../../../src/ssh/algorithm/sntrup-chance.ts";

const times = 200;

function counts(polynomials: readonly Polynomial[]): readonly number[] {
  const all = polynomials.flatMap((polynomial) => [...polynomial]);
  return [-1, 0, 1].map((wanted) => all.filter((each) => each === wanted).length);
}

/** Within ten standard deviations, which chance does not leave in the age of the world. */
function assertNear(found: number, tries: number, chance: number): void {
  const deviation = Math.sqrt(tries * chance * (1 - chance));
  assert.ok(Math.abs(found - tries * chance) < 10 * deviation, `${found} of ${tries} at a chance of ${chance}`);
}

test("A short polynomial has 286 coefficients that are not zero, half of them negative.", () => {
  const shorts = Array.from({ length: times }, randomShort);
  for (const short of shorts) assert.equal(short.filter((each) => each !== 0).length, weight);
  const [negative = 0, zero = 0, positive = 0] = counts(shorts);
  assert.equal(negative + zero + positive, times * degree);
  assertNear(negative, times * weight, 1 / 2);
});

test("In a short polynomial every place has the same chance, the first and the last too.", () => {
  const shorts = Array.from({ length: times }, randomShort);
  for (const place of [0, 1, 285, 286, 512, 513, 760]) {
    assertNear(shorts.filter((short) => short[place] !== 0).length, times, weight / degree);
  }
});

test("In a small polynomial -1, 0 and 1 have the same chance.", () => {
  const smalls = Array.from({ length: times }, randomSmall);
  for (const found of counts(smalls)) assertNear(found, times * degree, 1 / 3);
});
