/**
 * The one place that sees each key exchange when ssh2 makes it, before its first step. ssh2 stores the exchange in
 * `_kex` once the algorithms are agreed on (lib/protocol/kex.js, handleKexInit). All code that changes or watches an
 * exchange is called here, in a fixed order.
 */
import type { ExchangeView, ExchangingView } from "./exchange-view.ts";

type Made = (exchange: ExchangeView) => void;

const watches = new WeakMap<ExchangingView, ExchangeWatch>();

/** The watch of this connection. Each connection has one. */
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

  /** `told` hears of each new exchange. Watchers are called in the order in which they were added. */
  onMade(told: Made): void {
    this.#watchers.push(told);
  }

  /** Calls `change` first, before all watchers, for an exchange that is made while `run` runs. */
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
