/**
 * The notices to a service manager, one after the other. What waits is one set of assignments, in which the newest value
 * of each name wins. A status alone is never sent twice in a second; all else goes as soon as the last notice is told.
 */

export interface NoticeClock {
  now(): number;
  /** Resolves after this time. It keeps no process alive. */
  after(ms: number): Promise<void>;
}

/** Tells the manager. Resolves with false when no further notice is to be sent. Never rejects. */
export type SendNotice = (assignments: readonly string[]) => Promise<boolean>;

/** The shortest time between two notices with a status. */
const statusPauseMs = 1000;
const status = "STATUS";

export class ServiceNotices {
  readonly #send: SendNotice;
  readonly #clock: NoticeClock;
  readonly #waiting = new Map<string, string>();
  #statusAtMs = Number.NEGATIVE_INFINITY;
  #toldStatus: string | undefined;
  /** True when also a status goes at once: nothing follows it. */
  #isLast = false;
  #isOff = false;
  #telling: Promise<void> | undefined;
  #pause: Promise<void> | undefined;

  constructor(send: SendNotice, clock: NoticeClock) {
    this.#send = send;
    this.#clock = clock;
  }

  /** `notice` is `READY=1` and the like. Resolves when the manager was told all that may be told now. */
  tell(...notice: readonly string[]): Promise<void> {
    for (const assignment of notice) {
      const end = assignment.indexOf("=");
      this.#waiting.set(assignment.slice(0, end), assignment.slice(end + 1));
    }
    return this.#go();
  }

  /** The same for the last notice, which waits for nothing but the one that is being told. */
  tellLast(...notice: readonly string[]): Promise<void> {
    this.#isLast = true;
    return this.tell(...notice);
  }

  #go(): Promise<void> {
    this.#telling ??= this.#tellAll();
    return this.#telling;
  }

  async #tellAll(): Promise<void> {
    // What is told in one turn of the event loop goes as one notice.
    await Promise.resolve();
    for (let next = this.#take(); next.length > 0 && !this.#isOff; next = this.#take()) {
      this.#isOff = !(await this.#send(next));
    }
    this.#telling = undefined;
    if (this.#waiting.has(status) && !this.#isOff) this.#goLater();
  }

  /** Takes what may be told now, the status last. */
  #take(): readonly string[] {
    const wanted = this.#waiting.get(status);
    if (wanted === this.#toldStatus) this.#waiting.delete(status);
    const mayTellStatus = this.#waiting.has(status) && (this.#isLast || this.#pauseMs() <= 0);
    const taken = [...this.#waiting].filter(([name]) => name !== status);
    for (const [name] of taken) this.#waiting.delete(name);
    if (mayTellStatus && wanted !== undefined) {
      this.#waiting.delete(status);
      this.#toldStatus = wanted;
      this.#statusAtMs = this.#clock.now();
      taken.push([status, wanted]);
    }
    return taken.map(([name, value]) => `${name}=${value}`);
  }

  #pauseMs(): number {
    return this.#statusAtMs + statusPauseMs - this.#clock.now();
  }

  #goLater(): void {
    this.#pause ??= this.#clock.after(Math.max(this.#pauseMs(), 0)).then(() => {
      this.#pause = undefined;
      return this.#go();
    });
  }
}
