/**
 * Division in the ring modulo 4591 of Streamlined NTRU Prime 761, by the divsteps of Bernstein and Yang
 * (https://gcd.cr.yp.to, sections 5 and 6). Their number is the same for every polynomial, and what each one reads and
 * writes depends on nothing but its place in the row.
 */
import { bigModulus, degree, type Polynomial, reduce } from "./sntrup-rings.ts";

/** All that a division needs. After 2 * 761 - 1 of them one polynomial is a number, and the quotient is done. */
export const divsteps = 2 * degree - 1;

/** `numerator` divided by the polynomial. Every polynomial but zero has an inverse here. */
export function divide(numerator: number, by: Polynomial): Polynomial {
  const { f, g } = reversed(by);
  const v = new Int32Array(degree + 1);
  const r = new Int32Array(degree + 1);
  r[0] = numerator;
  let delta = 1;
  for (let step = 0; step < divsteps; step++) {
    const swap = swapMask(delta, g[0] ?? 0);
    delta = nextDelta(delta, swap);
    // The later steps see no more of f and g than this, and v and r have come no further.
    stepOnce(f, g, v, r, swap, Math.min(degree, divsteps - step), Math.min(degree, step + 1));
  }
  const scale = invert(f[0] ?? 0);
  return Int32Array.from({ length: degree }, (_, i) => reduce(scale * (v[degree - 1 - i] ?? 0), bigModulus));
}

/** Both polynomials with their highest coefficient first. f is x^761 - x - 1. */
export function reversed(by: Polynomial): { readonly f: Int32Array; readonly g: Int32Array } {
  const f = new Int32Array(degree + 1);
  const g = new Int32Array(degree + 1);
  f[0] = 1;
  f[degree - 1] = -1;
  f[degree] = -1;
  for (let i = 0; i < degree; i++) g[degree - 1 - i] = by[i] ?? 0;
  return { f, g };
}

/** -1 where f and g change places in this step, otherwise 0: for a delta above zero and a g0 that is not zero. */
export function swapMask(delta: number, g0: number): number {
  return (-delta >> 31) & ((g0 | -g0) >> 31);
}

export function nextDelta(delta: number, swap: number): number {
  return (delta ^ (swap & (delta ^ -delta))) + 1;
}

/**
 * A number between -3040 and 3040 that leaves the same remainder, for the difference of two products of such numbers:
 * zero only when the remainder is zero. 14617 is 2^26 / 4591. Only whole numbers of 32 bits occur, which a compiler that
 * knows little yet makes fast code for.
 */
export function nearZero(value: number): number {
  return (value - Math.imul((Math.imul(value >> 7, 14617) + 2 ** 18) >> 19, bigModulus)) | 0;
}

/** Exchanges f with g and v with r where `swap` is -1, then makes g's lowest coefficient zero and divides by x. */
function stepOnce(
  f: Int32Array,
  g: Int32Array,
  v: Int32Array,
  r: Int32Array,
  swap: number,
  needed: number,
  reached: number,
): void {
  const turn = swap & ((f[0] ?? 0) ^ (g[0] ?? 0));
  const f0 = (f[0] ?? 0) ^ turn;
  const g0 = (g[0] ?? 0) ^ turn;
  f[0] = f0;
  for (let i = 1; i <= needed; i++) {
    const exchanged = swap & ((f[i] as number) ^ (g[i] as number));
    const fi = (f[i] as number) ^ exchanged;
    const gi = (g[i] as number) ^ exchanged;
    f[i] = fi;
    g[i - 1] = nearZero(Math.imul(f0, gi) - Math.imul(g0, fi));
  }
  g[needed] = 0;
  for (let i = reached; i >= 0; i--) {
    const shifted = i > 0 ? (v[i - 1] as number) : 0;
    const exchanged = swap & (shifted ^ (r[i] as number));
    const vi = shifted ^ exchanged;
    const ri = (r[i] as number) ^ exchanged;
    v[i] = vi;
    r[i] = nearZero(Math.imul(f0, ri) - Math.imul(g0, vi));
  }
}

/** By Fermat: the modulus is a prime. */
function invert(value: number): number {
  let power = value;
  for (let i = 1; i < bigModulus - 2; i++) power = reduce(power * value, bigModulus);
  return power;
}
