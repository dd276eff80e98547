/**
 * The one place that sees each key exchange when ssh2 makes it, before its first step: it is put into `_kex` once the
 * algorithms are agreed on (lib/protocol/kex.js, handleKexInit), and whoever changes or watches it does so in one order.
 */
import type { ExchangeView, ExchangingView } from "./exchange-view.ts";

type Made = (exchange: ExchangeView) => void;

const watches = new WeakMap<ExchangingView, ExchangeWatch>();

/** There is one for each connection. */
export function exchangesOf(protocol: ExchangingView): ExchangeWatch {
  const known = watches.get(protocol);
  if (known !== undefined) return known;
  const watch = new ExchangeWatch(protocol);
  watches.set(protocol, watch);
  return watch;
}

export class ExchangeWatch {
  readonly #watchers: Made[] = [];
  #first: Made | undefined;

  constructor(protocol: ExchangingView) {
    let current = protocol._kex;
    Object.defineProperty(protocol, "_kex", {
      configurable: true,
      enumerable: true,
      get: () => current,
      set: (exchange: ExchangeView | undefined) => {
        current = exchange;
        if (exchange !== undefined) this.#made(exchange);
      },
    });
  }

  /** Watchers are told in the order in which they came. */
  onMade(told: Made): void {
    this.#watchers.push(told);
  }

  /** One that is made while `run` runs is told to `change` before all others. */
  changing<T>(change: Made, run: () => T): T {
    this.#first = change;
    try {
      return run();
    } finally {
      this.#first = undefined;
    }
  }

  #made(exchange: ExchangeView): void {
    this.#first?.(exchange);
    for (const told of this.#watchers) told(exchange);
  }
}
