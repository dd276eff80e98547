/**
 * UHASH of RFC 4418, section 5: the sum that UMAC makes of a message. It is fast because it only multiplies and adds,
 * and is worth nothing until a number that nobody knows covers it.
 */

/** The bytes that a hash of `count` words is made with, for each layer (section 5.1). */
export const layerBytes = (count: number) => ({
  first: blockBytes + shiftBytes * (count - 1),
  second: 24 * count,
  third: 64 * count,
  mask: 4 * count,
});

export interface LayerKeys {
  readonly first: Uint8Array;
  readonly second: Uint8Array;
  readonly third: Uint8Array;
  readonly mask: Uint8Array;
}

const blockBytes = 1024;
/** The key of the first layer begins this much later for each further word of the hash. */
const shiftBytes = 16;
const paddedTo = 32;

export class UniversalHash {
  readonly #words: readonly HashWord[];

  constructor({ first, second, third, mask }: LayerKeys) {
    const firstWords = bigEndian(first);
    this.#words = Array.from(
      bigEndian(mask),
      (own, index) =>
        new HashWord(
          firstWords.subarray((index * shiftBytes) / 4, (index * shiftBytes + blockBytes) / 4),
          new Polynomial(bigEndian(second.subarray(24 * index, 24 * index + 8))),
          thirdKeys(bigEndian(third.subarray(64 * index, 64 * (index + 1)))),
          own,
        ),
    );
  }

  /** `message` is in words, the lowest byte first, and zeros fill it up to a multiple of 32 bytes (at least 32). */
  hash(message: Uint32Array, bytes: number): readonly number[] {
    return this.#words.map((word) => word.of(message, bytes));
  }
}

/** As many products as fit into the 53 bits of a number: 32 of 48 bits. In words of the message, two for each. */
const wordsAtOnce = 64;

/** One of the hash's words of 32 bits, which are independent of each other. */
class HashWord {
  readonly #first: Uint32Array;
  readonly #second: Polynomial;
  /** Eight numbers below 2^36. */
  readonly #third: readonly number[];
  readonly #mask: number;
  /** A sum of 64 bits. */
  #high = 0;
  #low = 0;

  constructor(first: Uint32Array, second: Polynomial, third: readonly number[], mask: number) {
    this.#first = first;
    this.#second = second;
    this.#third = third;
    this.#mask = mask;
  }

  of(message: Uint32Array, bytes: number): number {
    const polynomial = this.#second;
    polynomial.begin();
    for (let at = 0; at === 0 || at < bytes; at += blockBytes) {
      const left = Math.min(blockBytes, bytes - at);
      this.#sumProducts(message, at / 4, Math.max(paddedTo, Math.ceil(left / paddedTo) * paddedTo) / 4);
      this.#add(left * 8);
      if (bytes > blockBytes) polynomial.take(this.#high, this.#low);
    }
    const sum = bytes > blockBytes ? lastLayer(...polynomial.value, this.#third) : this.#lastOfShort();
    return (sum ^ this.#mask) >>> 0;
  }

  /** NH (section 5.2.2), a sum modulo 2^64. */
  #sumProducts(message: Uint32Array, from: number, count: number): void {
    const key = this.#first;
    this.#high = 0;
    this.#low = 0;
    for (let start = 0; start < count; start += wordsAtOnce) {
      const end = Math.min(count, start + wordsAtOnce);
      let low = 0;
      let high = 0;
      for (let i = start; i < end; i += 8) {
        for (let j = i; j < i + 4; j++) {
          const one = ((message[from + j] as number) + (key[j] as number)) >>> 0;
          const other = ((message[from + j + 4] as number) + (key[j + 4] as number)) >>> 0;
          low += one * (other & 0xffff);
          high += one * (other >>> 16);
        }
      }
      this.#add(low);
      // `high` stands 16 bits further up.
      const lowest = (high >>> 0) & 0xffff;
      this.#add(lowest * 0x1_0000);
      this.#high = (this.#high + (high - lowest) / 0x1_0000) >>> 0;
    }
  }

  /** `value` is below 2^53. */
  #add(value: number): void {
    const word = value >>> 0;
    const low = this.#low + word;
    this.#low = low >>> 0;
    this.#high = (this.#high + (value - word) / 0x1_0000_0000 + (low - this.#low) / 0x1_0000_0000) >>> 0;
  }

  #lastOfShort(): number {
    return lastLayer(this.#high, this.#low, this.#third);
  }
}

/** The prime of POLY is 2^64 - 59. */
const gap = 59;

/** POLY (section 5.3.2), for messages of less than 16 MiB. Numbers are in pieces of 16 bits, the lowest first. */
class Polynomial {
  readonly #high: number;
  readonly #low: number;
  readonly #sum = new Float64Array(4);

  /** Of the key 25 bits of each half count. */
  constructor([high = 0, low = 0]: Uint32Array) {
    this.#high = high & 0x01ff_ffff;
    this.#low = low & 0x01ff_ffff;
  }

  begin(): void {
    this.#sum.set([1, 0, 0, 0]);
  }

  take(high: number, low: number): void {
    // A word that is not below the prime by far: the prime minus one, then the word minus the gap.
    if (high === 0xffff_ffff) {
      this.#step(high, high, gap);
      this.#step(high, low, gap);
    } else this.#step(high, low, 0);
  }

  /** Below the prime. */
  get value(): readonly [high: number, low: number] {
    const sum = this.#sum;
    const high = (sum[3] as number) * 0x1_0000 + (sum[2] as number);
    const low = (sum[1] as number) * 0x1_0000 + (sum[0] as number);
    const isOver = high === 0xffff_ffff && low > 0xffff_ffff - gap;
    return isOver ? [0, low - (0x1_0000_0000 - gap)] : [high, low];
  }

  /** The sum becomes key * sum + word - less. 2^64 is 59. */
  #step(wordHigh: number, wordLow: number, less: number): void {
    const sum = this.#sum;
    const [high, low] = [this.#high, this.#low];
    const [s0, s1, s2, s3] = [sum[0] as number, sum[1] as number, sum[2] as number, sum[3] as number];
    const carry0 = s0 * low + gap * (s2 * high) + (wordLow & 0xffff) - less;
    const carry1 = s1 * low + gap * (s3 * high) + (wordLow >>> 16) + Math.floor(carry0 / 0x1_0000);
    const carry2 = s2 * low + s0 * high + (wordHigh & 0xffff) + Math.floor(carry1 / 0x1_0000);
    const carry3 = s3 * low + s1 * high + (wordHigh >>> 16) + Math.floor(carry2 / 0x1_0000);
    sum[0] = carry0 & 0xffff;
    sum[1] = carry1 & 0xffff;
    sum[2] = carry2 & 0xffff;
    sum[3] = carry3 & 0xffff;
    this.#carry(gap * Math.floor(carry3 / 0x1_0000));
    this.#carry(0);
  }

  /** Adds a number, and what it carries over the top. */
  #carry(value: number): void {
    const sum = this.#sum;
    let over = value;
    for (let i = 0; i < 4; i++) {
      over += sum[i] as number;
      sum[i] = over & 0xffff;
      over = Math.floor(over / 0x1_0000);
    }
    sum[0] = (sum[0] as number) + gap * over;
  }
}

const lastPrime = 2 ** 36 - 5;

function thirdKeys(words: Uint32Array): readonly number[] {
  return Array.from({ length: words.length / 2 }, (_, index) => {
    const [high = 0, low = 0] = words.subarray(2 * index, 2 * index + 2);
    // 2^32 times `high` keeps its remainder when 2^36 is replaced by 5.
    return ((high & 15) * 0x1_0000_0000 + low + (high >>> 4) * 5) % lastPrime;
  });
}

/** L3-HASH (section 5.4) of a number whose upper 64 bits are zero: only the last four keys count. */
function lastLayer(high: number, low: number, keys: readonly number[]): number {
  const pieces = [high >>> 16, high & 0xffff, low >>> 16, low & 0xffff];
  let sum = 0;
  for (let i = 0; i < 4; i++) {
    sum += (pieces[i] as number) * (keys[i + 4] as number);
    sum = (sum % 2 ** 36) + 5 * Math.floor(sum / 2 ** 36);
  }
  return (sum % lastPrime) >>> 0;
}

function bigEndian(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Uint32Array.from({ length: bytes.length / 4 }, (_, index) => view.getUint32(4 * index));
}
