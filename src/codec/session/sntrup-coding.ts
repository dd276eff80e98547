/**
 * How Streamlined NTRU Prime 761 writes its polynomials as bytes: numbers below a modulus are put together in pairs,
 * and whole bytes of the result are written (the specification of round 3, "Encode" and "Decode").
 */
import { bigModulus, degree, type Polynomial } from "./sntrup-rings.ts";

const highest = (bigModulus - 1) / 2;
/** A rounded coefficient is a multiple of 3, and is written as its third. */
const roundedModulus = (bigModulus + 2) / 3;

export const polynomialBytes = 1158;
export const roundedBytes = 1007;

export function encodePolynomial(polynomial: Polynomial): Uint8Array {
  return encode(
    Array.from(polynomial, (coefficient) => coefficient + highest),
    bigModulus,
  );
}

/** Every text of the right length is a polynomial. */
export function decodePolynomial(bytes: Uint8Array): Polynomial {
  return Int32Array.from(decode(bytes, bigModulus), (number) => number - highest);
}

export function encodeRounded(polynomial: Polynomial): Uint8Array {
  return encode(
    Array.from(polynomial, (coefficient) => Math.round((coefficient + highest) * (1 / 3))),
    roundedModulus,
  );
}

export function decodeRounded(bytes: Uint8Array): Polynomial {
  return Int32Array.from(decode(bytes, roundedModulus), (number) => number * 3 - highest);
}

/** Coefficients of -1, 0 and 1, four in a byte. */
export function encodeSmall(polynomial: Polynomial): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(degree / 4));
  for (let i = 0; i < degree; i++) {
    bytes[i >> 2] = (bytes[i >> 2] ?? 0) | (((polynomial[i] ?? 0) + 1) << (2 * (i & 3)));
  }
  return bytes;
}

/** What stands at the same place in both lists belongs together. */
interface Numbers {
  readonly numbers: number[];
  /** Each number is below its modulus. */
  readonly moduli: number[];
}

/** At this modulus and above, a byte is taken off. */
const limit = 16384;

function encode(numbers: readonly number[], modulus: number): Uint8Array {
  const bytes: number[] = [];
  let level: Numbers = { numbers: [...numbers], moduli: numbers.map(() => modulus) };
  while (level.numbers.length > 1) level = pairUp(level, bytes);
  let [number = 0] = level.numbers;
  for (let [left = 1] = level.moduli; left > 1; left = (left + 255) >> 8) {
    bytes.push(number & 255);
    number >>= 8;
  }
  return Uint8Array.from(bytes);
}

function pairUp({ numbers, moduli }: Numbers, bytes: number[]): Numbers {
  const next: Numbers = { numbers: [], moduli: [] };
  for (let i = 0; i < numbers.length; i += 2) {
    const modulus = moduli[i] ?? 1;
    let number = (numbers[i] ?? 0) + modulus * (numbers[i + 1] ?? 0);
    let left = modulus * (moduli[i + 1] ?? 1);
    for (; left >= limit; left = (left + 255) >> 8) {
      bytes.push(number & 255);
      number >>= 8;
    }
    next.numbers.push(number);
    next.moduli.push(left);
  }
  return next;
}

function decode(bytes: Uint8Array, modulus: number): number[] {
  return decodeLevel(bytes, new Array<number>(degree).fill(modulus));
}

function decodeLevel(bytes: Uint8Array, moduli: readonly number[]): number[] {
  if (moduli.length === 1) return [((bytes[0] ?? 0) + 256 * (bytes[1] ?? 0)) % (moduli[0] ?? 1)];
  let at = 0;
  const low: { readonly number: number; readonly unit: number }[] = [];
  const next: number[] = [];
  for (let i = 0; i < moduli.length; i += 2) {
    let left = (moduli[i] ?? 1) * (moduli[i + 1] ?? 1);
    let number = 0;
    let unit = 1;
    for (; left >= limit; left = (left + 255) >> 8) {
      number += (bytes[at++] ?? 0) * unit;
      unit *= 256;
    }
    low.push({ number, unit });
    next.push(left);
  }
  const high = decodeLevel(bytes.subarray(at), next);
  return low.flatMap(({ number, unit }, pair) => {
    const both = number + unit * (high[pair] ?? 0);
    const [first = 1, second] = moduli.slice(2 * pair, 2 * pair + 2);
    const one = both % first;
    return second === undefined ? [one] : [one, Math.floor(both / first) % second];
  });
}
