/**
 * Writes blocks to the capture file in the background. The bytes that wait for the disk are bounded. Small pieces are
 * gathered in an arena; large pieces are written without a copy. When a write fails, the file is cut back to its last
 * whole block.
 */
import { close, ftruncate, write, writev } from "node:fs";
import { promisify } from "node:util";

/** With this many waiting bytes, flows are asked to wait for a short time. From `fullBytes` on, payload is dropped. */
const busyBytes = 16 * 1024 * 1024;
const fullBytes = 64 * 1024 * 1024;
/**
 * From this many waiting bytes on, no block is taken at all. Without this limit the small frames of flows that open and
 * end would fill the memory.
 */
const overfullBytes = 80 * 1024 * 1024;
/** How long flows wait for a disk that takes nothing. After that, flows go on and frames are lost. */
const patienceMs = 250;
/** Pieces with fewer bytes than this are copied together: a copy is cheaper than one more entry in a writev. */
const smallBytes = 2048;
const arenaBytes = 64 * 1024;
/**
 * Whole blocks are handed to the disk in batches of about this size. When a write fails, at most the bytes of one batch
 * are cut off.
 */
const batchBytes = 1024 * 1024;
/** Linux takes at most 1024 pieces in one writev (IOV_MAX). */
const mostPieces = 1024;
/** The longest pause before a full pipe is tried again. */
const longestPauseMs = 50;
/** How long `close` waits for a disk or a pipe that takes nothing. */
const standstillMs = 5000;

export interface BlockWriterEvents {
  /** The file can take no more. Nothing is written from now on. */
  failed(error: unknown): void;
}

interface Batch {
  readonly pieces: Uint8Array[];
  bytes: number;
}

export class BlockWriter {
  readonly #fd: number;
  readonly #events: BlockWriterEvents;
  #queue: Batch[] = [];
  #arena = new Uint8Array(arenaBytes);
  #arenaUsed = 0;
  #arenaStart = 0;
  #waitingBytes = 0;
  #writing: Promise<void> | undefined;
  #scheduled = false;
  #failed = false;
  #closed = false;
  /** True when flows have waited in vain for the disk. Until the disk takes bytes again, flows wait no more. */
  #stalled = false;
  #wholeBytes = 0;
  /** All bytes that the disk has taken, with those of a batch that is being written. */
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

  /** Adds one block, given as pieces. The caller must not change the pieces any more. */
  add(pieces: readonly Uint8Array[]): void {
    if (this.#failed || this.#closed) return;
    const batch = this.#openBatch();
    for (const piece of pieces) {
      this.#waitingBytes += piece.byteLength;
      batch.bytes += piece.byteLength;
      if (piece.byteLength < smallBytes) this.#gather(piece);
      else {
        this.#closeArena();
        batch.pieces.push(piece);
      }
    }
    this.#schedule();
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

  /** Returns the batch that takes the next block. */
  #openBatch(): Batch {
    const last = this.#queue.at(-1);
    if (last !== undefined && last.bytes < batchBytes) return last;
    this.#closeArena();
    const batch = { pieces: [], bytes: 0 };
    this.#queue.push(batch);
    return batch;
  }

  #gather(piece: Uint8Array): void {
    if (this.#arenaUsed + piece.byteLength > arenaBytes) {
      this.#closeArena();
      this.#arena = new Uint8Array(arenaBytes);
      this.#arenaUsed = 0;
      this.#arenaStart = 0;
    }
    this.#arena.set(piece, this.#arenaUsed);
    this.#arenaUsed += piece.byteLength;
  }

  /** Moves the gathered bytes to the last batch, to which they belong. */
  #closeArena(): void {
    if (this.#arenaUsed === this.#arenaStart) return;
    this.#queue.at(-1)?.pieces.push(this.#arena.subarray(this.#arenaStart, this.#arenaUsed));
    this.#arenaStart = this.#arenaUsed;
  }

  /** Starts the writing at the end of this turn of the event loop, so that all blocks of the turn go out together. */
  #schedule(): void {
    if (this.#scheduled || this.#writing !== undefined) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      void this.#start();
    });
  }

  #start(): Promise<void> {
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async #drain(): Promise<void> {
    try {
      for (;;) {
        // The batch holds only whole blocks here, because `add` runs without a pause and is never in the middle of a
        // block.
        this.#closeArena();
        const batch = this.#queue.shift();
        if (batch === undefined) break;
        await writeAll(this.#fd, batch.pieces, (bytes) => {
          this.#takenBytes += bytes;
        });
        this.#wholeBytes += batch.bytes;
        this.#waitingBytes -= batch.bytes;
        this.#stalled = false;
        if (this.#waitingBytes < busyBytes) this.#relieve();
      }
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
    this.#queue = [];
    this.#arenaStart = this.#arenaUsed;
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

type Took = (bytes: number) => void;

async function writeAll(fd: number, pieces: readonly Uint8Array[], took: Took): Promise<void> {
  for (let from = 0; from < pieces.length; from += mostPieces) {
    const some = pieces.slice(from, from + mostPieces);
    const wanted = some.reduce((sum, piece) => sum + piece.byteLength, 0);
    const written = await whenTaken(() => writeOnce(fd, some));
    took(written);
    // A write to a pipe or to a disk that is nearly full may take fewer bytes, and so may a write that a signal
    // interrupts. The rest is then written piece by piece.
    if (written < wanted) await writeRest(fd, some, written, took);
  }
}

function writeOnce(fd: number, pieces: readonly Uint8Array[]): Promise<number> {
  return new Promise((resolve, reject) => {
    writev(fd, pieces, (error, written) => (error === null ? resolve(written) : reject(error)));
  });
}

async function writeRest(fd: number, pieces: readonly Uint8Array[], written: number, took: Took): Promise<void> {
  let skip = written;
  for (const piece of pieces) {
    let from = Math.min(skip, piece.byteLength);
    skip -= from;
    while (from < piece.byteLength) {
      const count = await whenTaken(() => writePiece(fd, piece.subarray(from)));
      if (count === 0) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
      took(count);
      from += count;
    }
  }
}

function writePiece(fd: number, piece: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, piece, (error, count) => (error === null ? resolve(count) : reject(error)));
  });
}

/**
 * Repeats a write while a full pipe answers EAGAIN. Bun makes a stdout that is a pipe non-blocking as soon as any code
 * looks at process.stdout.
 */
async function whenTaken(attempt: () => Promise<number>): Promise<number> {
  for (let pauseMs = 1; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
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
