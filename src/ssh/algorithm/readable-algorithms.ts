/**
 * What Wireshark decrypts of a session when it has the session's keys (4.0 to 4.6, each tried). Where somebody asks for
 * keys, these algorithms come first, and what that costs is said. The others stay behind them: a server that takes
 * nothing else is connected to all the same.
 */
import type { NegotiatedAlgorithms } from "ssh2";
import { hybridExchanges } from "./hybrid-exchange.ts";

/** The names in their order, those that Wireshark decrypts first. */
export function readableFirst(names: readonly string[]): readonly string[] {
  return [...names.filter((name) => readable.has(name)), ...names.filter((name) => !readable.has(name))];
}

/** Of AES-CTR and chacha20 a capture does not know where a packet ends, for they hide its length; Wireshark 4.0 needs it. */
const readable: ReadonlySet<string> = new Set([
  ...["curve25519-sha256", "curve25519-sha256@libssh.org", "diffie-hellman-group14-sha256"],
  ...["diffie-hellman-group16-sha512", "diffie-hellman-group18-sha512"],
  ...["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "none"],
]);

/** What was agreed on and cannot be decrypted, each once. The ciphers that can be decrypted need no MAC. */
export function unreadableParts({ kex, cs, sc }: NegotiatedAlgorithms): readonly string[] {
  const all = [kex, ...[cs, sc].flatMap(({ cipher, compress }) => [cipher, compress])];
  return [...new Set(all)].filter((name) => !readable.has(name));
}

/** What the session would have had otherwise, if the server has it. `kex` is the offer for sessions without a recording. */
export function givenUp(
  agreed: NegotiatedAlgorithms,
  wished: { readonly kex: readonly string[]; readonly compression: boolean },
): readonly string[] {
  const isPostQuantum = (name = "") => hybridExchanges.has(name);
  const isCompressed = agreed.cs.compress !== "none";
  return [
    ...(isPostQuantum(wished.kex[0]) && !isPostQuantum(agreed.kex) ? ["post-quantum key exchange"] : []),
    ...(wished.compression && !isCompressed ? ["compression"] : []),
  ];
}
