/**
 * The inverse in the ring modulo 3 of Streamlined NTRU Prime 761, by the same divsteps as in sntrup-division.ts. A
 * coefficient has two bits: whether it is zero, and whether it is negative. One number has such a bit of 32
 * coefficients, so that they are computed together.
 */
import { divsteps, nextDelta, reversed, swapMask } from "./sntrup-division.ts";
import { degree, type Polynomial } from "./sntrup-rings.ts";

/** Undefined when the polynomial has no inverse. Among random ones such a polynomial is hardly ever met. */
export function inverseModulo3(polynomial: Polynomial): Polynomial | undefined {
  const start = reversed(polynomial);
  const f = new Thirds(start.f);
  const g = new Thirds(start.g);
  const v = new Thirds([]);
  const r = new Thirds([1]);
  let delta = 1;
  for (let step = 0; step < divsteps; step++) {
    const swap = swapMask(delta, g.first);
    delta = nextDelta(delta, swap);
    const one = chosen(swap, g.first, f.first);
    const other = chosen(swap, f.first, g.first);
    // As in sntrup-division.ts.
    const needed = wordsFor(divsteps - step);
    const reached = wordsFor(step + 1);
    combine(f, g, swap, one, other, needed);
    over(g.some, needed);
    over(g.less, needed);
    times(v.some, reached);
    times(v.less, reached);
    combine(v, r, swap, one, other, reached);
  }
  // 1 and -1 are their own inverses.
  const scale = f.first;
  return delta === 0 ? Int32Array.from({ length: degree }, (_, i) => scale * v.at(degree - 1 - i)) : undefined;
}

const words = Math.ceil((degree + 1) / 32);

class Thirds {
  /** The bits of the coefficients that are not zero. */
  readonly some = new Int32Array(words);
  /** The bits of those that are -1. */
  readonly less = new Int32Array(words);

  constructor(coefficients: ArrayLike<number>) {
    for (let i = 0; i < coefficients.length; i++) {
      const coefficient = coefficients[i] ?? 0;
      this.some[i >> 5] = (this.some[i >> 5] ?? 0) | ((coefficient & 1) << (i & 31));
      this.less[i >> 5] = (this.less[i >> 5] ?? 0) | (((coefficient >> 1) & 1) << (i & 31));
    }
  }

  get first(): number {
    return this.at(0);
  }

  at(index: number): number {
    const some = ((this.some[index >> 5] ?? 0) >>> (index & 31)) & 1;
    const less = ((this.less[index >> 5] ?? 0) >>> (index & 31)) & 1;
    return some - 2 * less;
  }
}

/** How many words have the coefficients up to x^`power`. */
function wordsFor(power: number): number {
  return Math.min(words, (power >> 5) + 1);
}

/** Multiplies by x. */
function times(bits: Int32Array, count: number): void {
  for (let i = count - 1; i > 0; i--) bits[i] = ((bits[i] as number) << 1) | ((bits[i - 1] as number) >>> 31);
  bits[0] = (bits[0] as number) << 1;
}

/** Divides by x. The number, which is zero here, falls away. */
function over(bits: Int32Array, count: number): void {
  const last = count - 1;
  for (let i = 0; i < last; i++) bits[i] = ((bits[i] as number) >>> 1) | ((bits[i + 1] as number) << 31);
  bits[last] = (bits[last] as number) >>> 1;
}

/** Exchanges both where `swap` is -1. Then `b` becomes one * b - other * a. */
function combine(a: Thirds, b: Thirds, swap: number, one: number, other: number, count: number): void {
  const { some: someA, less: lessA } = a;
  const { some: someB, less: lessB } = b;
  const oneSome = -(one & 1);
  const oneLess = one >> 1;
  const otherSome = -(other & 1);
  const otherMore = ~(other >> 1);
  for (let i = 0; i < count; i++) {
    const some = swap & ((someA[i] as number) ^ (someB[i] as number));
    const less = swap & ((lessA[i] as number) ^ (lessB[i] as number));
    const aSome = (someA[i] as number) ^ some;
    const aLess = (lessA[i] as number) ^ less;
    someA[i] = aSome;
    lessA[i] = aLess;
    const plusSome = oneSome & ((someB[i] as number) ^ some);
    const plusLess = plusSome & (oneLess ^ (lessB[i] as number) ^ less);
    const minusSome = otherSome & aSome;
    const minusLess = minusSome & (otherMore ^ aLess);
    // Where both are there and equal, 1 + 1 is -1 and -1 - 1 is 1. Where they differ the sum is zero.
    const double = plusSome & minusSome & ~(plusLess ^ minusLess);
    const alone = plusSome ^ minusSome;
    someB[i] = alone | double;
    lessB[i] = (alone & (plusLess | minusLess)) | (double & ~plusLess);
  }
}

/** `yes` where the mask is -1, `no` where it is 0. */
function chosen(mask: number, yes: number, no: number): number {
  return no ^ (mask & (yes ^ no));
}
