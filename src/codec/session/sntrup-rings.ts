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
    for (let j = 0; j < degree; j++) long[i + j] = (long[i + j] ?? 0) + Math.imul(factor, other[j] ?? 0);
  }
  // x^761 is x + 1.
  for (let i = 2 * degree - 1; i >= degree; i--) {
    const high = long[i] ?? 0;
    long[i - degree] = (long[i - degree] ?? 0) + high;
    long[i - degree + 1] = (long[i - degree + 1] ?? 0) + high;
  }
  return long.subarray(0, degree).map((sum) => reduce(sum, modulus));
}
