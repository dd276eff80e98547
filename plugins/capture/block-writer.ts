/**
 * Writes blocks to the capture file in the background. The bytes that wait for the disk are bounded. Blocks are written
 * into memory that is used again and again, and go out a megabyte at a time. When a write fails, the file is cut back
 * to its last whole block.
 */
import { close, ftruncate } from "node:fs";
import { promisify } from "node:util";
import type { BlockSpace } from "../../src/codec/capture/block-space.ts";
import { BlockMemory } from "./block-memory.ts";
import { writePatiently } from "./patient-write.ts";

/** With this many waiting bytes, flows are asked to wait for a short time. From `fullBytes` on, payload is dropped. */
const busyBytes = 8 * 1024 * 1024;
const fullBytes = 32 * 1024 * 1024;
/**
 * From this many waiting bytes on, no block is taken at all. Without this limit the small frames of flows that open and
 * end would fill the memory.
 */
const overfullBytes = 40 * 1024 * 1024;
/** How long flows wait for a disk that takes nothing. After that, flows go on and frames are lost. */
const patienceMs = 250;
/** How long a few blocks wait for more. Whoever watches the capture live does not notice it. */
const gatherMs = 10;
/** How long `close` waits for a disk or a pipe that takes nothing. */
const standstillMs = 5000;

export interface BlockWriterEvents {
  /** The file can take no more. Nothing is written from now on. */
  failed(error: unknown): void;
}

export class BlockWriter implements BlockSpace {
  readonly #fd: number;
  readonly #events: BlockWriterEvents;
  readonly #memory = new BlockMemory();
  /** Takes the blocks that nobody writes any more. */
  readonly #waste = new BlockMemory();
  #waitingBytes = 0;
  #writing: Promise<void> | undefined;
  #gathering: NodeJS.Timeout | undefined;
  #failed = false;
  #closed = false;
  /** True when flows have waited in vain for the disk. Until the disk takes bytes again, flows wait no more. */
  #stalled = false;
  #wholeBytes = 0;
  /** All bytes that the disk has taken, with those of a sheet that is being written. */
  #takenBytes = 0;
  readonly #relieved = new Set<() => void>();

  constructor(fd: number, events: BlockWriterEvents) {
    this.#fd = fd;
    this.#events = events;
  }

  get failed(): boolean {
    return this.#failed;
  }

  /** True when the next frame with payload has to be dropped. */
  get full(): boolean {
    return this.#waitingBytes >= fullBytes;
  }

  /** True when any further frame has to be dropped. */
  get overfull(): boolean {
    return this.#waitingBytes >= overfullBytes;
  }

  get bytes(): Uint8Array {
    return this.#isOver ? this.#waste.bytes : this.#memory.bytes;
  }

  /** The caller fills the block before this turn of the event loop ends. */
  reserve(blockBytes: number): number {
    if (this.#isOver) {
      this.#waste.clear();
      return this.#waste.reserve(blockBytes);
    }
    const at = this.#memory.reserve(blockBytes);
    this.#waitingBytes += blockBytes;
    if (this.#writing === undefined) this.#schedule();
    return at;
  }

  /** Adds a block that is complete. */
  add(block: Uint8Array): void {
    const at = this.reserve(block.byteLength);
    this.bytes.set(block, at);
  }

  /**
   * Returns undefined while there is room. Otherwise returns a promise that resolves when there is room again, or after
   * `patienceMs`. While the disk stands still, callers wait only once.
   */
  relief(): Promise<void> | undefined {
    if (this.#waitingBytes < busyBytes || this.#failed || this.#stalled) return undefined;
    return new Promise((resolve) => {
      const go = () => {
        clearTimeout(timer);
        this.#relieved.delete(go);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#stalled = true;
        this.#relieve();
      }, patienceMs);
      this.#relieved.add(go);
    });
  }

  /**
   * Writes the waiting bytes and closes the file. Blocks that are added after this call are not written. A reader that
   * stands still (a stopped Wireshark) must not keep porthop from ending.
   */
  async close(patientMs = standstillMs): Promise<void> {
    this.#closed = true;
    while (this.#writing !== undefined || this.#waitingBytes > 0) {
      const before = this.#takenBytes;
      const isDone = await within(patientMs, this.#start());
      if (isDone || this.#takenBytes > before) continue;
      this.#failed = true;
      this.#events.failed(Object.assign(new Error("nothing is taken any more"), { code: "ETIMEDOUT" }));
      return;
    }
    if (this.#fd !== 1) await promisify(close)(this.#fd);
  }

  get #isOver(): boolean {
    return this.#failed || this.#closed;
  }

  #schedule(): void {
    if (this.#memory.hasWholeSheet) void this.#start();
    else this.#gathering ??= setTimeout(() => void this.#start(), gatherMs);
  }

  #start(): Promise<void> {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = undefined;
      if (this.#waitingBytes > 0 && !this.#failed) this.#schedule();
    });
    return this.#writing;
  }

  /** Writes all that waits when it begins, and then as long as there are full sheets. */
  async #drain(): Promise<void> {
    try {
      do {
        const sheet = this.#memory.take();
        if (sheet === undefined) break;
        await writePatiently(this.#fd, sheet.bytes, sheet.used, (bytes) => {
          this.#takenBytes += bytes;
        });
        this.#wholeBytes += sheet.used;
        this.#waitingBytes -= sheet.used;
        this.#memory.giveBack(sheet);
        this.#stalled = false;
        if (this.#waitingBytes < busyBytes) this.#relieve();
      } while (this.#memory.hasWholeSheet);
    } catch (error) {
      await this.#fail(error);
    }
  }

  #relieve(): void {
    for (const go of this.#relieved) go();
  }

  async #fail(error: unknown): Promise<void> {
    if (this.#failed) return;
    this.#failed = true;
    this.#memory.clear();
    this.#waitingBytes = 0;
    this.#relieve();
    if (this.#fd !== 1) {
      await promisify(ftruncate)(this.#fd, this.#wholeBytes).catch(() => {
        // A file that cannot be cut ends in the middle of a block. Readers report that and show the blocks before.
      });
    }
    this.#events.failed(error);
  }
}

/** Resolves with true when the work is done within this time, else with false. */
function within(ms: number, work: Promise<void>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), ms);
    void work.then(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
