/**
 * Slices held back until there are enough of them, by reference. A peer that sends single bytes would make each of them
 * cost a view and hold a chunk, so that after 64 slices the rest is gathered in one piece of memory.
 */

export class SliceQueue {
  #slices: Uint8Array[] = [];
  #gathered: Uint8Array | undefined;
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** `mostBytes` is the most that the queue will hold before it is taken from: it sizes the gathering memory. */
  append(slice: Uint8Array, mostBytes: number): void {
    if (this.#gathered === undefined && this.#slices.length < mostSlices) {
      this.#slices.push(slice);
    } else {
      this.#gathered ??= gathered(this.#slices, mostBytes);
      this.#gathered.set(slice, this.#bytes);
    }
    this.#bytes += slice.length;
  }

  /** All that is held, and forgets it. */
  take(): readonly Uint8Array[] {
    const slices = this.#gathered === undefined ? this.#slices : [this.#gathered.subarray(0, this.#bytes)];
    this.#slices = [];
    this.#gathered = undefined;
    this.#bytes = 0;
    return slices;
  }
}

const mostSlices = 64;

function gathered(slices: readonly Uint8Array[], mostBytes: number): Uint8Array {
  const memory = new Uint8Array(mostBytes);
  let at = 0;
  for (const slice of slices) {
    memory.set(slice, at);
    at += slice.length;
  }
  return memory;
}
