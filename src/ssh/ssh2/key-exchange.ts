/**
 * Key exchanges that ssh2 1.17.0 lacks or does badly. ssh2's factory of exchanges cannot be changed, but its two
 * entries can. There, a KEXINIT that agrees on an exchange of ours is shown to ssh2 with the name of a similar
 * exchange. The exchange that ssh2 makes is changed before its first step. All that is hashed and sent stays as both
 * sides wrote it.
 */
import { kexInitLists, withKeyExchanges } from "../../codec/session/kex-init.ts";
import { unmatchedList } from "../ssh-failure.ts";
import type { ExchangeView, ExchangingView, KexHandler, KexModule } from "./exchange-view.ts";
import { exchangesOf } from "./exchange-watch.ts";
import { TakenExchange } from "./taken-exchange.ts";

export interface KeyExchangeAddition {
  /**
   * The exchange of ssh2 that has messages of the same form. Undefined when ssh2 has this exchange under its own name.
   */
  readonly standIn?: string;
  /** `client` changes the exchange for a client, `server` for a server. */
  readonly client?: (exchange: TakenExchange) => void;
  readonly server?: (exchange: TakenExchange) => void;
}

export const kexInitMessage = 20;

/**
 * Throws when the module looks different. Returns the handler that handlers.js must have once that module is loaded.
 */
export function addKeyExchanges(
  module: Partial<KexModule>,
  additions: ReadonlyMap<string, KeyExchangeAddition>,
): KexHandler {
  const { onKEXPayload, HANDLERS: handlers } = module;
  const handle = handlers?.[kexInitMessage];
  if (onKEXPayload === undefined || handlers === undefined || handle === undefined) {
    throw new Error("ssh2's kex.js has no such handlers");
  }
  // The first KEXINIT of a connection comes through onKEXPayload, before there is compression. The KEXINITs of a rekey
  // come through the handler.
  module.onKEXPayload = function (state, payload) {
    const go = (shown: Buffer) => onKEXPayload.call(this, state, shown);
    const isFirst = state.firstPacket && payload[0] === kexInitMessage;
    return isFirst ? exchange(additions, this, payload, go) : go(payload);
  };
  const handler: KexHandler = (protocol, payload) =>
    exchange(additions, protocol, payload, (shown) => handle(protocol, shown));
  handlers[kexInitMessage] = handler;
  return handler;
}

function exchange(
  additions: ReadonlyMap<string, KeyExchangeAddition>,
  protocol: ExchangingView,
  payload: Buffer,
  go: (payload: Buffer) => unknown,
): unknown {
  const entry = protocol._offer?.lists.kex;
  if (entry === undefined) return go(payload);
  return tellingOffers(protocol, payload, () => {
    const ours = entry.array;
    const [theirs = []] = kexInitLists(payload);
    const name = agreed(protocol._server ? theirs : ours, protocol._server ? ours : theirs);
    const addition = name === undefined ? undefined : additions.get(name);
    const change = protocol._server ? addition?.server : addition?.client;
    if (name === undefined || change === undefined) return go(payload);
    const standIn = addition?.standIn ?? name;
    // Both names change places in both lists. So ssh2 agrees on the stand-in exactly where the true lists agree on `name`.
    const swap = (each: string) => (each === name ? standIn : each === standIn ? name : each);
    const swapped = (names: readonly string[]) => names.map(swap);
    const takeOver = (made: ExchangeView) => {
      made._remoteKexinit = payload;
      made.negotiated.kex = name;
      if (standIn !== name) made.type = name;
      change(new TakenExchange(made));
    };
    const debug = protocol._debug;
    // The trace has the true names: what was shown to ssh2 is changed back.
    if (debug !== undefined) protocol._debug = (text) => debug.call(protocol, text.replaceAll(/[^\s,]+/g, swap));
    entry.array = swapped(ours);
    try {
      return exchangesOf(protocol).changing(takeOver, () => go(withKeyExchanges(payload, swapped(theirs))));
    } finally {
      entry.array = ours;
      protocol._debug = debug;
    }
  });
}

/** "The first algorithm on the client's name-list that is also on the server's" (RFC 4253, section 7.1). */
function agreed(client: readonly string[], server: readonly string[]): string | undefined {
  return client.find((name) => server.includes(name));
}

/** ssh2 says which list had nothing in common. As with ssh, the error also has the server's list. */
function tellingOffers<T>(protocol: ExchangingView, payload: Buffer, run: () => T): T {
  const onError = protocol._onError;
  protocol._onError = (error) => {
    const index = unmatchedList(error);
    const offer = index === undefined ? undefined : kexInitLists(payload)[index];
    if (offer !== undefined) error.message += `; its offer: ${offer.filter((name) => !isSignal(name)).join(",")}`;
    onError.call(protocol, error);
  };
  try {
    return run();
  } finally {
    protocol._onError = onError;
  }
}

/**
 * Some names in the list of key exchanges are signals and no exchanges (RFC 8308, section 2.1; OpenSSH, PROTOCOL,
 * section 1.10).
 */
function isSignal(name: string): boolean {
  return name.startsWith("ext-info-") || name.startsWith("kex-strict-");
}
