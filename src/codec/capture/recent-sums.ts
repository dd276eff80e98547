/**
 * Remembers the sums of the last few payload slices, because legs 1 and 3 of a flow usually carry one chunk. A slice is
 * recognized by its memory and not by its view object, because each leg cuts views of its own from the chunk. That is
 * safe: nobody changes a chunk after it was handed on (src/plugin.ts, Chunk).
 */
import { sumOf } from "./checksum.ts";

/** Shared by all conversations of a capture. Keeps at most 16 slices, and 16 MiB of buffers under them, in memory. */
export class RecentSums {
  readonly #entries: RecentSum[] = [];
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

  #keep(entry: RecentSum): void {
    this.#entries[this.#next] = entry;
    this.#next = (this.#next + 1) % entryCount;
  }
}

interface RecentSum {
  readonly buffer: ArrayBufferLike;
  readonly byteOffset: number;
  readonly length: number;
  readonly sum: number;
}

/** More than the nine segments of a 512 KiB chunk, which is the largest chunk that a socket gives. */
const entryCount = 16;

/** Summing a shorter slice takes less time than finding its entry. */
const worthKeepingFromBytes = 1024;

/** An entry keeps the whole buffer of its slice in memory: the slice of a larger buffer is not worth an entry. */
const mostHeldBytes = 1 << 20;
