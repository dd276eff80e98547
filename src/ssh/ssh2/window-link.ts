/**
 * What the windows of one session's channels share: how far away the server is, whether anybody exchanges small
 * messages beside bulk transfers, and the memory that is lent to windows beyond their first 2 MiB.
 */

/** What all windows of the process may hold beyond the first 2 MiB of each. */
const poolBytes = 128 * 1024 * 1024;

/** Memory that is lent in bytes. A borrower gets at most half of what is left, so that one who comes later gets some. */
export class WindowPool {
  #freeBytes: number;

  constructor(bytes: number) {
    this.#freeBytes = bytes;
  }

  /** How much a borrower may have in all who has `lentBytes` already. */
  most(lentBytes: number): number {
    return lentBytes + Math.floor(this.#freeBytes / 2);
  }

  /** Changes what is lent. A negative number gives back. */
  lend(bytes: number): void {
    this.#freeBytes -= bytes;
  }
}

const processPool = new WindowPool(poolBytes);

export class WindowLink {
  readonly pool: WindowPool;
  #roundTripMs: number | undefined;
  #lentBytes = 0;
  #isOver = false;
  /** Counts the arrivals on channels that are no bulk transfers. A window compares it with what it saw before. */
  smallArrivals = 0;

  constructor(pool = processPool) {
    this.pool = pool;
  }

  /**
   * The shortest round trip so far: a question that waits behind other data takes longer. Undefined until the server has
   * answered once.
   */
  get roundTripMs(): number | undefined {
    return this.#roundTripMs;
  }

  measured(roundTripMs: number): void {
    this.#roundTripMs = Math.min(this.#roundTripMs ?? Number.POSITIVE_INFINITY, roundTripMs);
  }

  /** Changes what the session's windows have borrowed. */
  lend(bytes: number): void {
    if (this.#isOver) return;
    this.#lentBytes += bytes;
    this.pool.lend(bytes);
  }

  /** The session is over: all is given back, also what was lent to channels that nobody reads to their end. */
  close(): void {
    this.lend(-this.#lentBytes);
    this.#isOver = true;
  }
}
