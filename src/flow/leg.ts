/**
 * A leg of a flow while it lives: what is known of its TCP connection, and who watches it. A watcher that throws is
 * dropped with one warning: observers never break traffic (promise 5).
 */
import type { Address, Direction, Leg, LegNumber, Watcher } from "../plugin.ts";
import type { LegFacts, Passed } from "./conn.ts";

/** Called when an observer threw and was dropped. */
export type DropObserver = (plugin: string, error: unknown) => void;

interface NamedWatcher {
  readonly plugin: string;
  readonly watcher: Watcher;
}

type Tell = (watcher: Watcher) => unknown;

export class LiveLeg {
  readonly number: LegNumber;
  from: Address | undefined;
  to: Address | undefined;
  observed = false;
  session: string | undefined;
  readonly #dropped: DropObserver;
  #watchers: readonly NamedWatcher[] = [];
  #passed: readonly Passed[] | undefined;
  #opened = false;
  #over = false;
  #locate: (() => Promise<void>) | undefined;

  constructor(number: LegNumber, dropped: DropObserver) {
    this.number = number;
    this.#dropped = dropped;
  }

  learn(facts: LegFacts): void {
    this.from = facts.from;
    this.to = facts.to;
    this.observed = facts.observed;
    this.session = facts.session;
    this.#passed = facts.passed;
    const ask = facts.locate;
    if (ask === undefined) return;
    let asked: Promise<void> | undefined;
    this.#locate = () => {
      asked ??= this.#learnFrom(ask);
      return asked;
    };
  }

  /** The leg as the plugin named `plugin` sees it. */
  viewFor(plugin: string): Leg {
    return new LegView(this, plugin);
  }

  /** Asks for the true addresses. All callers share one question. */
  locate(): Promise<void> {
    return this.#locate?.() ?? Promise.resolve();
  }

  /**
   * A watcher that comes after the connection opened is told so at once, and gets the bytes that passed before the flow
   * began.
   */
  watch(plugin: string, watcher: Watcher): void {
    const named = { plugin, watcher };
    this.#watchers = [...this.#watchers, named];
    if (this.#opened) this.#tellOpened(named);
  }

  opened(): void {
    this.#opened = true;
    for (const named of this.#watchers) this.#tellOpened(named);
  }

  refused(error: Error): void {
    this.#finish((watcher) => watcher.refused?.(error));
  }

  bytes(direction: Direction, chunk: Uint8Array): void {
    if (this.#watchers.length === 0) return;
    this.#tell((watcher) => watcher.bytes?.(direction, chunk));
  }

  ended(direction: Direction): void {
    this.#tell((watcher) => watcher.ended?.(direction));
  }

  aborted(by: Direction, reason: Error): void {
    if (this.#opened) this.#finish((watcher) => watcher.aborted?.(by, reason));
  }

  /** Both halves have ended: nothing can break this connection any more. */
  closed(): void {
    this.#over = true;
  }

  #finish(tell: Tell): void {
    if (this.#over) return;
    this.#tell(tell);
    this.#over = true;
  }

  #tell(tell: Tell): void {
    if (this.#over) return;
    for (const named of this.#watchers) this.#tellOne(named, tell);
  }

  #tellOpened(named: NamedWatcher): void {
    this.#tellOne(named, (watcher) => watcher.opened?.());
    if (this.#passed === undefined) return;
    for (const { direction, chunk } of this.#passed) {
      this.#tellOne(named, (watcher) => watcher.bytes?.(direction, chunk));
    }
  }

  #tellOne(named: NamedWatcher, tell: Tell): void {
    try {
      const told = tell(named.watcher);
      // By its type, a method may also be async. An unhandled rejection would end the whole process.
      if (told instanceof Promise) told.catch((error: unknown) => this.#drop(named, error));
    } catch (error) {
      this.#drop(named, error);
    }
  }

  #drop(named: NamedWatcher, error: unknown): void {
    if (!this.#watchers.includes(named)) return;
    this.#watchers = this.#watchers.filter((other) => other !== named);
    this.#dropped(named.plugin, error);
  }

  async #learnFrom(ask: NonNullable<LegFacts["locate"]>): Promise<void> {
    const found = await ask().catch(() => undefined);
    if (found === undefined) return;
    this.from = found.from;
    this.to = found.to;
    this.observed = true;
  }
}

class LegView implements Leg {
  readonly #leg: LiveLeg;
  readonly #plugin: string;

  constructor(leg: LiveLeg, plugin: string) {
    this.#leg = leg;
    this.#plugin = plugin;
  }

  get number(): LegNumber {
    return this.#leg.number;
  }

  get from(): Address | undefined {
    return this.#leg.from;
  }

  get to(): Address | undefined {
    return this.#leg.to;
  }

  get observed(): boolean {
    return this.#leg.observed;
  }

  get session(): string | undefined {
    return this.#leg.session;
  }

  watch(watcher: Watcher): void {
    if (this.number === 2) throw new Error("leg 2 carries all flows at once: watch it through host.onSession");
    this.#leg.watch(this.#plugin, watcher);
  }

  locate(): Promise<void> {
    return this.#leg.locate();
  }
}
