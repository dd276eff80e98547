/**
 * Loads ssh2 with algorithms that it lacks or does badly. The version of ssh2 is fixed. Code that uses ssh2's insides
 * first checks that they look as expected; an algorithm that does not fit is left out with a reason (extension.ts).
 */

import type { KexHandler } from "./exchange-view.ts";
import { extend } from "./extension.ts";
import { keepExtensions } from "./extension-info.ts";
import { hostBoundExtension } from "./host-bound.ts";
import { addKeyExchanges, type KeyExchangeAddition, kexInitMessage } from "./key-exchange.ts";

export type Ssh2 = typeof import("ssh2");

export interface Additions {
  /** A cipher that ssh2 offers only when node:crypto supports it. `having` runs `load` with a node:crypto that does. */
  readonly cipher: { readonly name: string; having(load: () => Promise<void>): Promise<void> };
  /** By name. An exchange with a stand-in is new to ssh2. */
  readonly exchanges: ReadonlyMap<string, KeyExchangeAddition>;
}

/** ssh2's inner modules copy values of each other when they are loaded, so the changes have to come in this order. */
export async function loadWith({ cipher, exchanges }: Additions): Promise<Ssh2> {
  const { version } = (await import("ssh2/package.json", { with: { type: "json" } })).default;
  await cipher.having(async () => {
    await import("ssh2/lib/protocol/constants.js");
  });
  const { default: constants } = await import("ssh2/lib/protocol/constants.js");
  extend(version, [cipher.name], () => {
    if (!constants.SUPPORTED_CIPHER?.includes(cipher.name)) throw new Error("ssh2 was loaded without it");
  });
  const { default: kex } = await import("ssh2/lib/protocol/kex.js");
  const fresh = [...exchanges].flatMap(([name, { standIn }]) => (standIn === undefined ? [] : [name]));
  let handler: KexHandler | undefined;
  extend(version, fresh, () => {
    handler = addKeyExchanges(kex, exchanges);
  });
  // ssh2 is a CommonJS module: all exports are on `default`.
  const { default: ssh2 } = await import("ssh2");
  const { default: handlers } = await import("ssh2/lib/protocol/handlers.js");
  extend(version, fresh, () => {
    // Protocol.js then has our handler too, unless Protocol.js was loaded earlier.
    if (handler === undefined || handlers[kexInitMessage] !== handler) throw new Error("ssh2 was loaded without it");
    if (constants.SUPPORTED_KEX === undefined) throw new Error("ssh2's constants.js has no such list");
    constants.SUPPORTED_KEX.push(...fresh);
  });
  extend(version, [hostBoundExtension], () => keepExtensions(handlers));
  return ssh2;
}
