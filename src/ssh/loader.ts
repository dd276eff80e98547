/**
 * Loads ssh2 with porthop's own algorithms. Loading takes about 8 ms, so it waits until a session is needed;
 * `--version` and `--help` start without ssh2.
 */
import crypto from "node:crypto";
import { chacha20Poly1305, withChacha20 } from "./algorithm/chacha20.ts";
import { diffieHellmanGroups } from "./algorithm/diffie-hellman.ts";
import { hybridExchanges } from "./algorithm/hybrid-exchange.ts";
import { macAdditions } from "./algorithm/mac-additions.ts";
import { withUmac } from "./algorithm/umac.ts";
import { loadWith, type Ssh2 } from "./ssh2/loading.ts";

let loaded: Promise<Ssh2> | undefined;

export function loadSsh2(): Promise<Ssh2> {
  loaded ??= loadWith({
    cipher: { name: chacha20Poly1305, having: (load) => withChacha20(crypto, load) },
    macs: { kinds: macAdditions, having: (load) => withUmac(crypto, load) },
    exchanges: new Map([...diffieHellmanGroups, ...hybridExchanges]),
  });
  return loaded;
}
