/** Choices that look random and are the same for the same seed: what a test did by chance can be done again. */
import { randomBytes } from "./random.ts";

export class Dice {
  readonly #seed: number;
  #rolled = 0;
  #sheet: Buffer = Buffer.alloc(0);

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** A whole number from `least` up to and with `most`. */
  between(least: number, most: number): number {
    return least + (this.#next() % (most - least + 1));
  }

  /** One of the names, each as often as its weight says. */
  oneOf<Name extends string>(weights: Readonly<Partial<Record<Name, number>>>): Name {
    const entries = Object.entries<number | undefined>(weights).map(([name, weight = 0]) => ({ name, weight }));
    let left = this.between(
      1,
      entries.reduce((sum, { weight }) => sum + weight, 0),
    );
    for (const { name, weight } of entries) {
      left -= weight;
      if (left <= 0) return name as Name;
    }
    throw new Error("nothing to choose from");
  }

  #next(): number {
    const at = this.#rolled++ % rolls;
    if (at === 0) this.#sheet = Buffer.from(randomBytes(rolls * 4, this.#seed * 1_000_000 + this.#rolled));
    return this.#sheet.readUInt32LE(at * 4);
  }
}

/** So many are made at a time. */
const rolls = 1024;
