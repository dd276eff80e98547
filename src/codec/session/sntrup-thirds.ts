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
    v.timesX();
    const [one, other] = [chosen(swap, g.first, f.first), chosen(swap, f.first, g.first)];
    combine(f, g, swap, one, other);
    combine(v, r, swap, one, other);
    g.overX();
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
    const bit = (bits: Int32Array) => ((bits[index >> 5] ?? 0) >>> (index & 31)) & 1;
    return bit(this.some) - 2 * bit(this.less);
  }

  timesX(): void {
    for (const bits of [this.some, this.less]) {
      for (let i = words - 1; i > 0; i--) bits[i] = ((bits[i] as number) << 1) | ((bits[i - 1] as number) >>> 31);
      bits[0] = (bits[0] as number) << 1;
    }
  }

  /** What stands at 1 falls away. */
  overX(): void {
    for (const bits of [this.some, this.less]) {
      for (let i = 0; i < words - 1; i++) bits[i] = ((bits[i] as number) >>> 1) | ((bits[i + 1] as number) << 31);
      bits[words - 1] = (bits[words - 1] as number) >>> 1;
    }
  }
}

/** Exchanges both where `swap` is -1. Then `b` becomes one * b - other * a. */
function combine(a: Thirds, b: Thirds, swap: number, one: number, other: number): void {
  const [oneSome, oneLess, otherSome, otherMore] = [-(one & 1), one >> 1, -(other & 1), ~(other >> 1)];
  for (let i = 0; i < words; i++) {
    const some = swap & ((a.some[i] as number) ^ (b.some[i] as number));
    const less = swap & ((a.less[i] as number) ^ (b.less[i] as number));
    const aSome = (a.some[i] as number) ^ some;
    const aLess = (a.less[i] as number) ^ less;
    a.some[i] = aSome;
    a.less[i] = aLess;
    const plusSome = oneSome & ((b.some[i] as number) ^ some);
    const plusLess = plusSome & (oneLess ^ (b.less[i] as number) ^ less);
    const minusSome = otherSome & aSome;
    const minusLess = minusSome & (otherMore ^ aLess);
    // Where both are there and equal, 1 + 1 is -1 and -1 - 1 is 1. Where they differ the sum is zero.
    const double = plusSome & minusSome & ~(plusLess ^ minusLess);
    const alone = plusSome ^ minusSome;
    b.some[i] = alone | double;
    b.less[i] = (alone & (plusLess | minusLess)) | (double & ~plusLess);
  }
}

/** `yes` where the mask is -1, `no` where it is 0. */
function chosen(mask: number, yes: number, no: number): number {
  return no ^ (mask & (yes ^ no));
}
