/** The length of an RSA key, which decides how strong the key is. Each other type of key has one fixed length. */
import { readString } from "../ssh-string.ts";
import { keyType } from "./fingerprint.ts";

/** Bits of the modulus (RFC 4253, section 6.6: `ssh-rsa`, e, n); undefined for other keys. */
export function rsaBits(key: Uint8Array): number | undefined {
  if (keyType(key) !== "ssh-rsa") return undefined;
  const exponent = readString(key, readString(key, 0)?.next ?? -1);
  const modulus = readString(key, exponent?.next ?? -1)?.bytes;
  if (modulus === undefined) return undefined;
  // A number whose first bit is 1 has a zero byte in front, which does not count (RFC 4251, section 5).
  const first = modulus.findIndex((byte) => byte !== 0);
  return first === -1 ? 0 : (modulus.length - first) * 8 - Math.clz32(modulus[first] ?? 0) + 24;
}
