/**
 * Loads ssh2, and only when a session is wanted: it costs about 8 ms of start-up, which `--version` and `--help` must
 * not pay. Its version is pinned, and whatever touches its internals looks first whether they are there.
 */
import crypto from "node:crypto";
import { chacha20Poly1305, withChacha20 } from "../algorithm/chacha20.ts";
import { diffieHellmanGroups } from "../algorithm/diffie-hellman.ts";
import { mlkemAddition, mlkemExchange } from "../algorithm/mlkem.ts";
import type { KexHandler } from "./exchange-view.ts";
import { extend } from "./extension.ts";
import { addKeyExchanges, kexInitMessage } from "./key-exchange.ts";

export type Ssh2 = typeof import("ssh2");

let loaded: Promise<Ssh2> | undefined;

export function loadSsh2(): Promise<Ssh2> {
  loaded ??= load();
  return loaded;
}

/** ssh2's inner modules take over each other's values when they are loaded: whatever changes them comes in this order. */
async function load(): Promise<Ssh2> {
  const { version } = (await import("ssh2/package.json", { with: { type: "json" } })).default;
  await withChacha20(crypto, async () => {
    await import("ssh2/lib/protocol/constants.js");
  });
  const { default: constants } = await import("ssh2/lib/protocol/constants.js");
  extend(version, [chacha20Poly1305], () => {
    if (!constants.SUPPORTED_CIPHER?.includes(chacha20Poly1305)) throw new Error("ssh2 was loaded without it");
  });
  const { default: kex } = await import("ssh2/lib/protocol/kex.js");
  let handler: KexHandler | undefined;
  extend(version, [mlkemExchange], () => {
    handler = addKeyExchanges(kex, new Map([...diffieHellmanGroups, [mlkemExchange, mlkemAddition]]));
  });
  // ssh2 is CommonJS: all it exports is on `default`.
  const { default: ssh2 } = await import("ssh2");
  const { default: handlers } = await import("ssh2/lib/protocol/handlers.js");
  extend(version, [mlkemExchange], () => {
    // Protocol.js has the same one, unless somebody had loaded it before.
    if (handler === undefined || handlers[kexInitMessage] !== handler) throw new Error("ssh2 was loaded without it");
    if (constants.SUPPORTED_KEX === undefined) throw new Error("ssh2's constants.js has no such list");
    constants.SUPPORTED_KEX.push(mlkemExchange);
  });
  return ssh2;
}
