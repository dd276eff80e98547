/**
 * Remembers the sums of the last few payload slices, because legs 1 and 3 of a flow mostly carry the very same chunk.
 * A slice is known by the memory it shows, not by its view, so that the segments cut from one chunk on two legs meet.
 * That is sound because a chunk is never changed once it was handed on (src/plugin.ts, Chunk).
 */
import { sumOf } from "./checksum.ts";

/** Share one among the conversations of one capture. Keeps at most 16 slices (and 16 MiB under them) from being freed. */
export class RecentSums {
  readonly #entries: Entry[] = [];
  #next = 0;

  sumOf(slice: Uint8Array): number {
    if (slice.length < worthKeepingFromBytes) return sumOf(slice);
    const { buffer, byteOffset, length } = slice;
    for (const entry of this.#entries) {
      if (entry.buffer === buffer && entry.byteOffset === byteOffset && entry.length === length) return entry.sum;
    }
    const sum = sumOf(slice);
    if (buffer.byteLength <= mostHeldBytes) this.#keep({ buffer, byteOffset, length, sum });
    return sum;
  }

  #keep(entry: Entry): void {
    this.#entries[this.#next] = entry;
    this.#next = (this.#next + 1) % entryCount;
  }
}

interface Entry {
  readonly buffer: ArrayBufferLike;
  readonly byteOffset: number;
  readonly length: number;
  readonly sum: number;
}

/** A chunk of 512 KiB, the largest that a socket gives, makes eight segments in each direction. */
const entryCount = 16;

/** Shorter slices are summed faster than they are found. */
const worthKeepingFromBytes = 1024;

/** A slice of something larger is not worth holding all of it. */
const mostHeldBytes = 1 << 20;
