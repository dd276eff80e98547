/**
 * Happy Eyeballs version 2 (RFC 8305): of the addresses of a name the first one that answers is taken. An address that
 * says nothing costs a quarter of a second, and not the minutes after which the system gives up. The system looks up
 * both families in one call, so that the waits of section 3 have nothing to wait for.
 */
import { isIP } from "node:net";
import type { Cancel } from "../flow/conn.ts";

export interface AddressRace<T> {
  readonly signal: Cancel;
  /** Rejects when `lost` fires. `isBeside` is true when another attempt of this race is under way. */
  connect(address: string, lost: Cancel, isBeside: boolean): Promise<T>;
  /** Closes a connection that came too late. */
  discard(connection: T): void;
  /** Whether an attempt may be made beside another one now. If not, one is made after the other. */
  mayAdd(): boolean;
  /** The error to reject with when no attempt succeeded, of their errors in the order of the addresses. */
  blame(failures: readonly unknown[]): unknown;
  /** The connection attempt delay (section 5), which tests change. */
  readonly delayMs?: number | undefined;
}

/** The value that RFC 8305 recommends (section 5). */
const recommendedDelayMs = 250;
/** A timer that is so much late says that the event loop was held up. */
const heldUpMs = 10;

/**
 * Each address once, the families in turn (section 4). The system sorts by RFC 6724: its first address stays the first,
 * and inside a family its order is kept.
 */
export function inTurn(addresses: readonly string[]): readonly string[] {
  const all = [...new Set(addresses)];
  const isOfFirst = (address: string) => isIP(address) === isIP(all[0] ?? "");
  const first = all.filter(isOfFirst);
  const second = all.filter((address) => !isOfFirst(address));
  const turns = Array.from({ length: Math.max(first.length, second.length) }, (_, index) => index);
  return turns.flatMap((index) => [...first.slice(index, index + 1), ...second.slice(index, index + 1)]);
}

/** The first connection that is made; all other attempts are ended. An abort ends them all, and rejects at once. */
export function firstConnected<T>(addresses: readonly string[], race: AddressRace<T>): Promise<T> {
  return new Promise((resolve, reject) => new Attempts(addresses, race, resolve, reject).start());
}

class Attempts<T> {
  readonly #addresses: readonly string[];
  readonly #race: AddressRace<T>;
  readonly #resolve: (connection: T) => void;
  readonly #reject: (error: unknown) => void;
  readonly #lost = new AbortController();
  readonly #failures: unknown[] = [];
  #begun = 0;
  #open = 0;
  #isOver = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    addresses: readonly string[],
    race: AddressRace<T>,
    resolve: (connection: T) => void,
    reject: (error: unknown) => void,
  ) {
    this.#addresses = addresses;
    this.#race = race;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(): void {
    if (this.#race.signal.aborted) {
      this.#onAbort();
      return;
    }
    this.#race.signal.addEventListener("abort", this.#onAbort, { once: true });
    this.#next();
  }

  #next(): void {
    clearTimeout(this.#timer);
    const address = this.#addresses[this.#begun];
    if (address === undefined) {
      if (this.#open === 0) this.#end(() => this.#reject(this.#race.blame(this.#failures)));
      return;
    }
    if (this.#open === 0 || this.#race.mayAdd()) this.#begin(address);
    if (this.#begun < this.#addresses.length) this.#wait(this.#race.delayMs ?? recommendedDelayMs);
  }

  /**
   * When the event loop was held up, the answer may be there already, unheard. Then the loop gets a moment to hear it,
   * so that no second connection is opened in vain. One moment: a loop that is busy all the time is always late.
   */
  #wait(ms: number): void {
    const dueMs = performance.now() + ms;
    this.#timer = setTimeout(() => {
      if (performance.now() - dueMs > heldUpMs) this.#timer = setTimeout(() => this.#next(), heldUpMs);
      else this.#next();
    }, ms);
  }

  #begin(address: string): void {
    const index = this.#begun;
    const isBeside = this.#open > 0;
    this.#begun += 1;
    this.#open += 1;
    this.#race.connect(address, this.#lost.signal, isBeside).then(
      (connection) => {
        if (this.#isOver) this.#race.discard(connection);
        else this.#end(() => this.#resolve(connection));
      },
      (error: unknown) => {
        this.#open -= 1;
        this.#failures[index] = error;
        if (!this.#isOver && (index === this.#begun - 1 || this.#open === 0)) this.#next();
      },
    );
  }

  readonly #onAbort = (): void => this.#end(() => this.#reject(this.#race.signal.reason));

  #end(tell: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#race.signal.removeEventListener("abort", this.#onAbort);
    tell();
    this.#lost.abort(this.#race.signal.reason);
  }
}
