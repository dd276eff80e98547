/**
 * Holds slices back, by reference, until their unit is complete. With a peer that sends single bytes, each byte would
 * cost a view and keep a chunk in memory. So after 64 slices all bytes are gathered in one piece of memory.
 */

export class SliceQueue {
  #slices: Uint8Array[] = [];
  #gathered: Uint8Array | undefined;
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * `mostBytes`: the most bytes that the queue holds before the next `take`, and so the size of the gathering memory.
   */
  append(slice: Uint8Array, mostBytes: number): void {
    if (this.#gathered === undefined && this.#slices.length < mostSlices) {
      this.#slices.push(slice);
    } else {
      this.#gathered ??= gathered(this.#slices, mostBytes);
      this.#gathered.set(slice, this.#bytes);
    }
    this.#bytes += slice.length;
  }

  /** Returns all held slices and empties the queue. */
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
