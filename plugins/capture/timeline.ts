/**
 * Brings what happens on all legs into one order of time, in which no leg's packet is written before its addresses are
 * known: while the first event in line waits for that, those behind it wait too. Timestamps always grow.
 */

/** Something that makes packets, and may not be ready to: a leg whose addresses are being asked for. */
export interface Source {
  readonly ready: boolean;
  /** Makes it ready at once, with what is known. */
  giveUp(): void;
}

interface Waiting {
  readonly source: Source;
  readonly timestampNs: bigint;
  readonly bytes: number;
  readonly emit: (timestampNs: bigint) => void;
}

/** Events that wait may hold this many bytes of payload; then the one in front is given up. */
const heldBytes = 8 * 1024 * 1024;

export class Timeline {
  readonly #now: () => bigint;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;

  constructor(now: () => bigint) {
    this.#now = now;
  }

  /** Calls `emit` with the time of this call, at once or when all that came before could be written. */
  add(source: Source, bytes: number, emit: (timestampNs: bigint) => void): void {
    const timestampNs = this.#now();
    if (this.#waiting.length === 0 && source.ready) {
      emit(timestampNs);
      return;
    }
    this.#waiting.push({ source, timestampNs, bytes, emit });
    this.#waitingBytes += bytes;
    while (this.#waitingBytes > heldBytes) {
      this.#waiting[0]?.source.giveUp();
      this.advance();
    }
  }

  /** Call it when a source became ready. */
  advance(): void {
    let done = 0;
    for (const waiting of this.#waiting) {
      if (!waiting.source.ready) break;
      done += 1;
      this.#waitingBytes -= waiting.bytes;
      waiting.emit(waiting.timestampNs);
    }
    if (done > 0) this.#waiting = this.#waiting.slice(done);
  }

  /** Writes all that waits, whatever is known by now. */
  finish(): void {
    while (this.#waiting.length > 0) {
      this.#waiting[0]?.source.giveUp();
      this.advance();
    }
  }
}

/** Nanoseconds since 1970 that never stand still nor go back. */
export function steadyClock(): () => bigint {
  const originNs = BigInt(Math.round(performance.timeOrigin * 1e6));
  let last = 0n;
  return () => {
    const now = originNs + BigInt(Math.round(performance.now() * 1e6));
    last = now > last ? now : last + 1n;
    return last;
  };
}
