/**
 * The numbers of Diffie-Hellman over prime fields: powers, and the primes of RFC 3526 (and of RFC 2409, group 2),
 * computed by the formula that defines them. Not in constant time, so only for keys that are used once and thrown away.
 */

/** `base` to the power of `exponent`, modulo `modulus`; four bits of the exponent at a time. */
export function modularPower(base: bigint, exponent: bigint, modulus: bigint): bigint {
  const powers = [1n];
  for (let index = 1; index < 16; index++) powers.push(((powers[index - 1] ?? 1n) * base) % modulus);
  let result = 1n;
  for (const digit of exponent.toString(16)) {
    for (let square = 0; square < 4; square++) result = (result * result) % modulus;
    result = (result * (powers[Number.parseInt(digit, 16)] ?? 1n)) % modulus;
  }
  return result;
}

/**
 * The prime of the group with so many bits: 1024, 2048, 3072, 4096, 6144 or 8192, else undefined. The generator is 2.
 */
export function groupPrime(bits: number): bigint | undefined {
  const known = primes.get(bits);
  const offset = offsets.get(bits);
  if (known !== undefined || offset === undefined) return known;
  const size = BigInt(bits);
  // 2^n - 2^(n-64) - 1 + 2^64 * (floor(2^(n-130) pi) + offset)
  const prime = (1n << size) - (1n << (size - 64n)) - 1n + ((pi(bits - 130) + offset) << 64n);
  primes.set(bits, prime);
  return prime;
}

const offsets: ReadonlyMap<number, bigint> = new Map([
  [1024, 129_093n],
  [2048, 124_476n],
  [3072, 1_690_314n],
  [4096, 240_904n],
  [6144, 929_484n],
  [8192, 4_743_158n],
]);

const primes = new Map<number, bigint>();

/** floor(2^bits pi) by Machin's formula. The guard bits absorb the rounding errors of some thousand divisions. */
function pi(bits: number): bigint {
  const guardBits = 64n;
  const one = 1n << (BigInt(bits) + guardBits);
  return (4n * (4n * arcTangentOfInverse(5n, one) - arcTangentOfInverse(239n, one))) >> guardBits;
}

function arcTangentOfInverse(inverse: bigint, one: bigint): bigint {
  const square = inverse * inverse;
  let term = one / inverse;
  let sum = 0n;
  for (let odd = 1n, sign = 1n; term !== 0n; odd += 2n, sign = -sign) {
    sum += (sign * term) / odd;
    term /= square;
  }
  return sum;
}

/** Big endian, in as few bytes as possible. */
export function bytesOf(number: bigint): Buffer {
  const hex = number.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
}

export function numberOf(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
}
