/** How long an RSA key is, which is how strong it is: all other kinds of keys have one length each. */
import { readString } from "../ssh-string.ts";
import { keyType } from "./fingerprint.ts";

/** Bits of the modulus (RFC 4253, section 6.6: `ssh-rsa`, e, n); undefined for other keys. */
export function rsaBits(key: Uint8Array): number | undefined {
  if (keyType(key) !== "ssh-rsa") return undefined;
  const exponent = readString(key, readString(key, 0)?.next ?? -1);
  const modulus = readString(key, exponent?.next ?? -1)?.bytes;
  if (modulus === undefined) return undefined;
  // A number that would look negative has a zero in front (RFC 4251, section 5).
  const first = modulus.findIndex((byte) => byte !== 0);
  return first === -1 ? 0 : (modulus.length - first) * 8 - Math.clz32(modulus[first] ?? 0) + 24;
}
