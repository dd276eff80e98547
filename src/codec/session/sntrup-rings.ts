/**
 * The two rings of Streamlined NTRU Prime 761 (https://ntruprime.cr.yp.to, round 3): polynomials modulo x^761 - x - 1,
 * with coefficients modulo 4591 or modulo 3. A coefficient stands nearest to zero. No branch and no index depends on a
 * coefficient, for most of them are secret.
 */

/** A polynomial: 761 coefficients, the one of x^0 first. */
export type Polynomial = Int32Array;

export const degree = 761;
/** q, the larger modulus. */
export const bigModulus = 4591;

/** The nearest to zero of all numbers that leave the same remainder. Exact up to 2^31, for the modulus is odd. */
export function reduce(value: number, modulus: number): number {
  return value - modulus * Math.floor(value * (1 / modulus) + 0.5);
}

/** One of the two polynomials has only -1, 0 and 1, so that no sum passes 2^31. */
export function multiply(one: Polynomial, other: Polynomial, modulus: number): Polynomial {
  const long = new Int32Array(2 * degree);
  for (let i = 0; i < degree; i++) {
    const factor = one[i] ?? 0;
    for (let j = 0; j < degree; j++) long[i + j] = (long[i + j] as number) + Math.imul(factor, other[j] as number);
  }
  // x^761 is x + 1.
  for (let i = 2 * degree - 1; i >= degree; i--) {
    const high = long[i] ?? 0;
    long[i - degree] = (long[i - degree] ?? 0) + high;
    long[i - degree + 1] = (long[i - degree + 1] ?? 0) + high;
  }
  return long.subarray(0, degree).map((sum) => reduce(sum, modulus));
}

const steps = 2 * degree - 1;

/**
 * `numerator` divided by the polynomial. Undefined when the polynomial has no inverse, which happens modulo 3 only. The
 * divsteps of Bernstein and Yang (https://gcd.cr.yp.to, section 5): their number is the same for every polynomial.
 */
export function divide(numerator: number, by: Polynomial, modulus: number): Polynomial | undefined {
  const f = new Int32Array(degree + 1);
  const g = new Int32Array(degree + 1);
  // Both polynomials stand reversed: f is x^761 - x - 1.
  f[0] = 1;
  f[degree - 1] = -1;
  f[degree] = -1;
  for (let i = 0; i < degree; i++) g[degree - 1 - i] = by[i] ?? 0;
  const v = new Int32Array(degree + 1);
  const r = new Int32Array(degree + 1);
  r[0] = numerator;
  let delta = 1;
  for (let step = 0; step < steps; step++) {
    const swap = maskOfPositive(delta) & maskOfNonzero(g[0] ?? 0);
    delta = (delta ^ (swap & (delta ^ -delta))) + 1;
    stepOnce({ f, g, v, r }, step, swap, modulus);
  }
  const scale = invert(f[0] ?? 0, modulus);
  const quotient = new Int32Array(degree);
  for (let i = 0; i < degree; i++) quotient[i] = reduce(scale * (v[degree - 1 - i] ?? 0), modulus);
  return delta === 0 ? quotient : undefined;
}

/**
 * Exchanges f with g and v with r where `swap` is -1, then makes g's lowest coefficient zero and divides by x. Only the
 * coefficients that later steps look at are kept right, and only those of v and r that can be other than zero are
 * touched; both depend on nothing but the number of the step.
 */
function stepOnce(
  { f, g, v, r }: { readonly [name in "f" | "g" | "v" | "r"]: Int32Array },
  step: number,
  swap: number,
  modulus: number,
): void {
  const inverse = 1 / modulus;
  const turn = swap & ((f[0] as number) ^ (g[0] as number));
  const f0 = (f[0] as number) ^ turn;
  const g0 = (g[0] as number) ^ turn;
  f[0] = f0;
  const last = Math.min(degree, steps - 1 - step);
  for (let i = 1; i <= last; i++) {
    const exchanged = swap & ((f[i] as number) ^ (g[i] as number));
    const fi = (f[i] as number) ^ exchanged;
    const product = f0 * ((g[i] as number) ^ exchanged) - g0 * fi;
    f[i] = fi;
    g[i - 1] = product - modulus * Math.floor(product * inverse + 0.5);
  }
  g[last] = 0;
  for (let i = Math.min(degree, step + 1); i >= 0; i--) {
    const shifted = i > 0 ? (v[i - 1] as number) : 0;
    const exchanged = swap & (shifted ^ (r[i] as number));
    const vi = shifted ^ exchanged;
    const product = f0 * ((r[i] as number) ^ exchanged) - g0 * vi;
    v[i] = vi;
    r[i] = product - modulus * Math.floor(product * inverse + 0.5);
  }
}

/** By Fermat: the modulus is a prime. */
function invert(value: number, modulus: number): number {
  let power = value;
  for (let i = 1; i < modulus - 2; i++) power = reduce(power * value, modulus);
  return power;
}

/** -1 for a number above zero, otherwise 0. */
function maskOfPositive(value: number): number {
  return -value >> 31;
}

function maskOfNonzero(value: number): number {
  return (value | -value) >> 31;
}
