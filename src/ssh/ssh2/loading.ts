/**
 * Loads ssh2 with algorithms that it lacks or does badly. Its version is pinned, and whatever touches its internals looks
 * first whether they are there: what does not fit is left out with a reason (extension.ts).
 */

import type { KexHandler } from "./exchange-view.ts";
import { extend } from "./extension.ts";
import { addKeyExchanges, type KeyExchangeAddition, kexInitMessage } from "./key-exchange.ts";

export type Ssh2 = typeof import("ssh2");

export interface Additions {
  /** A cipher that ssh2 has where node:crypto has what it needs: `load` runs with a node:crypto that has it. */
  readonly cipher: { readonly name: string; having(load: () => Promise<void>): Promise<void> };
  /** By their names. Those with a stand-in are new to ssh2. */
  readonly exchanges: ReadonlyMap<string, KeyExchangeAddition>;
}

/** ssh2's inner modules take over each other's values when they are loaded: whatever changes them comes in this order. */
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
  // ssh2 is CommonJS: all it exports is on `default`.
  const { default: ssh2 } = await import("ssh2");
  const { default: handlers } = await import("ssh2/lib/protocol/handlers.js");
  extend(version, fresh, () => {
    // Protocol.js has the same one, unless somebody had loaded it before.
    if (handler === undefined || handlers[kexInitMessage] !== handler) throw new Error("ssh2 was loaded without it");
    if (constants.SUPPORTED_KEX === undefined) throw new Error("ssh2's constants.js has no such list");
    constants.SUPPORTED_KEX.push(...fresh);
  });
  return ssh2;
}
