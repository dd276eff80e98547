/**
 * Loads ssh2 with algorithms that it lacks or does badly. The version of ssh2 is fixed. Code that uses ssh2's insides
 * first checks that they look as expected; an algorithm that does not fit is left out with a reason (extension.ts).
 */

import type { CryptoModule, KexHandler } from "./exchange-view.ts";
import { extend } from "./extension.ts";
import { keepExtensions } from "./extension-info.ts";
import { quickenGcm } from "./gcm-packets.ts";
import { hostBoundExtension } from "./host-bound.ts";
import { addKeyExchanges, type KeyExchangeAddition, kexInitMessage } from "./key-exchange.ts";
import { boundInflation } from "./packet-size.ts";

export type Ssh2 = typeof import("ssh2");

interface Having {
  having(load: () => Promise<void>): Promise<void>;
}

export interface MacAddition {
  /** The name by which node:crypto's createHmac makes it. */
  readonly hash: string;
  readonly keyBytes: number;
  /** At most as many bytes as the hash has. */
  readonly tagBytes: number;
  /** Encrypt-then-mac: the MAC of what was encrypted (OpenSSH's PROTOCOL, section 1.1). */
  readonly isEtm: boolean;
}

export interface Additions {
  /** A cipher that ssh2 offers only when node:crypto supports it. `having` runs `load` with a node:crypto that does. */
  readonly cipher: { readonly name: string } & Having;
  /** By name. `having` runs `load` with a node:crypto that makes their hashes. */
  readonly macs: { readonly kinds: ReadonlyMap<string, MacAddition> } & Having;
  /** By name. An exchange with a stand-in is new to ssh2. */
  readonly exchanges: ReadonlyMap<string, KeyExchangeAddition>;
}

/** ssh2's inner modules copy values of each other when they are loaded, so the changes have to come in this order. */
export async function loadWith({ cipher, macs, exchanges }: Additions): Promise<Ssh2> {
  const { version } = (await import("ssh2/package.json", { with: { type: "json" } })).default;
  await cipher.having(() =>
    macs.having(async () => {
      await import("ssh2/lib/protocol/constants.js");
    }),
  );
  const { default: ciphers } = await import("ssh2/lib/protocol/crypto.js");
  const { default: constants } = await import("ssh2/lib/protocol/constants.js");
  extend(version, ["quick packets of AES-GCM"], () => quickenGcm(ciphers));
  extend(version, [cipher.name], () => {
    if (!constants.SUPPORTED_CIPHER?.includes(cipher.name)) throw new Error("ssh2 was loaded without it");
  });
  extend(version, [...macs.kinds.keys()], () => addMacs(macs.kinds, ciphers, constants.SUPPORTED_MAC));
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
  const { default: zlib } = await import("ssh2/lib/protocol/zlib.js");
  extend(version, ["bound of compressed packets"], () => boundInflation(zlib));
  return ssh2;
}

function addMacs(
  macs: ReadonlyMap<string, MacAddition>,
  { MAC_INFO: infos, CIPHER_INFO, createCipher }: Partial<CryptoModule>,
  supported: string[] | undefined,
): void {
  if (infos === undefined || createCipher === undefined || supported === undefined) {
    throw new Error("ssh2's crypto.js has no such tables");
  }
  for (const [name, { hash, keyBytes, tagBytes, isEtm }] of macs) {
    infos[name] = { sslName: hash, len: keyBytes, actualLen: tagBytes, isETM: isEtm };
    // One packet shows whether ssh2 makes this hash: it may have been loaded before, or with its native addon.
    const key = Buffer.alloc(32);
    const [cipherInfo, cipherKey, cipherIV] = [CIPHER_INFO?.["aes128-ctr"], key.subarray(16), key.subarray(16)];
    const macKey = key.subarray(0, keyBytes);
    const outbound = { seqno: 0, onWrite: () => {}, cipherInfo, cipherKey, cipherIV, macInfo: infos[name], macKey };
    const cipher = createCipher({ outbound });
    cipher.encrypt(cipher.allocPacket(1));
    supported.push(name);
  }
}
