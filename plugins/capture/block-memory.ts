/**
 * The memory in which blocks wait for the disk: sheets of equal size, which are used again as soon as they are written.
 * What was used last is used first, so that a disk that keeps up is served from memory that the processor has at hand.
 * A sheet holds whole blocks only.
 */
import type { BlockSpace } from "../../src/codec/capture/block-space.ts";

export const sheetBytes = 1024 * 1024;

/** A slow disk may have made many sheets. Only so many of them are kept for later. */
const mostSpareSheets = 8;

const nothing = new Uint8Array(0);

export interface Sheet {
  readonly bytes: Uint8Array;
  /** How many bytes from the beginning are blocks. */
  used: number;
}

export class BlockMemory implements BlockSpace {
  #open: Sheet = { bytes: nothing, used: 0 };
  #closed: Sheet[] = [];
  readonly #spare: Sheet[] = [];

  get bytes(): Uint8Array {
    return this.#open.bytes;
  }

  /** True when a sheet is full, which is the time to write it. */
  get hasWholeSheet(): boolean {
    return this.#closed.length > 0;
  }

  reserve(blockBytes: number): number {
    if (this.#open.used + blockBytes > this.#open.bytes.length) {
      this.#closeOpen();
      this.#open = this.#sheetFor(blockBytes);
    }
    const at = this.#open.used;
    this.#open.used += blockBytes;
    return at;
  }

  /** Takes the oldest blocks out. Undefined when there are none. */
  take(): Sheet | undefined {
    if (this.#closed.length === 0) this.#closeOpen();
    return this.#closed.shift();
  }

  /** Takes a sheet back whose blocks are written. */
  giveBack(sheet: Sheet): void {
    if (sheet.bytes.length !== sheetBytes || this.#spare.length >= mostSpareSheets) return;
    sheet.used = 0;
    this.#spare.push(sheet);
  }

  /** Forgets all blocks. */
  clear(): void {
    this.#closed = [];
    this.#open.used = 0;
  }

  #closeOpen(): void {
    if (this.#open.used > 0) this.#closed.push(this.#open);
    this.#open = { bytes: nothing, used: 0 };
  }

  /** The beginning of a file with very many interfaces may be larger than a sheet. */
  #sheetFor(blockBytes: number): Sheet {
    const spare = blockBytes > sheetBytes ? undefined : this.#spare.pop();
    return spare ?? { bytes: new Uint8Array(Math.max(blockBytes, sheetBytes)), used: 0 };
  }
}
