/** Choices that look random but are the same for the same seed, so a test can repeat what happened by chance. */
import { randomBytes } from "./random.ts";

export class Dice {
  readonly #seed: number;
  #rolled = 0;
  #sheet: Buffer = Buffer.alloc(0);

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + (this.#next() % (most - least + 1));
  }

  /** One of the names. A name with a higher weight is chosen more often. */
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

/** How many random numbers are made at once. */
const rolls = 1024;
