/**
 * Loads ssh2 with porthop's own algorithms. Loading takes about 12 ms, so it waits until a session is needed;
 * `--version` and `--help` start without ssh2.
 */
import crypto from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { chacha20Poly1305, withChacha20 } from "./algorithm/chacha20.ts";
import { diffieHellmanGroups } from "./algorithm/diffie-hellman.ts";
import { hybridExchanges } from "./algorithm/hybrid-exchange.ts";
import { macAdditions } from "./algorithm/mac-additions.ts";
import { withUmac } from "./algorithm/umac.ts";
import { loadWith, type Ssh2 } from "./ssh2/loading.ts";

let loaded: Promise<Ssh2> | undefined;

export function loadSsh2(): Promise<Ssh2> {
  loaded ??= load();
  return loaded;
}

/** A turn later: a connection that was just asked for is then on its way, and the server greets while we load. */
async function load(): Promise<Ssh2> {
  await nextTurn();
  return loadWith({
    cipher: { name: chacha20Poly1305, having: (work) => withChacha20(crypto, work) },
    macs: { kinds: macAdditions, having: (work) => withUmac(crypto, work) },
    exchanges: new Map([...diffieHellmanGroups, ...hybridExchanges]),
  });
}
