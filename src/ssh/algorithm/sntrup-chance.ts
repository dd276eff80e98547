/**
 * Random polynomials for Streamlined NTRU Prime 761. The short ones are made by sorting, and the sorting compares the
 * same places whatever the numbers are, so that its time tells nothing.
 */
import { randomFillSync } from "node:crypto";
import { degree, type Polynomial } from "../../codec/session/sntrup-rings.ts";

/** How many coefficients of a short polynomial are not zero. */
export const weight = 286;

/** Each coefficient is -1, 0 or 1, with the same chance. */
export function randomSmall(): Polynomial {
  return randomNumbers().map((number) => Math.floor(((number >>> 2) * 3) / 2 ** 30) - 1);
}

/** 286 coefficients are -1 or 1, the others are 0. */
export function randomShort(): Polynomial {
  const numbers = randomNumbers();
  // The two lowest bits are the coefficient plus one; the others decide where it stands.
  for (let i = 0; i < degree; i++) numbers[i] = i < weight ? (numbers[i] ?? 0) & ~1 : ((numbers[i] ?? 0) & ~3) | 1;
  sort(numbers);
  return numbers.map((number) => (number & 3) - 1);
}

function randomNumbers(): Int32Array {
  return randomFillSync(new Int32Array(degree));
}

/** Batcher's merge exchange (Knuth, volume 3, section 5.2.2, algorithm M). */
function sort(numbers: Int32Array): void {
  const top = 2 ** Math.floor(Math.log2(numbers.length - 1));
  for (let p = top; p > 0; p >>= 1) {
    let q = top;
    let r = 0;
    for (let distance = p; distance > 0; distance = q - p, q >>= 1, r = p) {
      for (let i = 0; i < numbers.length - distance; i++) if ((i & p) === r) order(numbers, i, i + distance);
    }
  }
}

/** Puts the smaller of two numbers first, without a branch. */
function order(numbers: Int32Array, low: number, high: number): void {
  const one = numbers[low] ?? 0;
  const other = numbers[high] ?? 0;
  const difference = one ^ other;
  // The sign of the difference, also where the difference does not fit into 32 bits.
  let smaller = (other - one) | 0;
  smaller ^= difference & (smaller ^ other);
  const swap = (smaller >> 31) & difference;
  numbers[low] = one ^ swap;
  numbers[high] = other ^ swap;
}
