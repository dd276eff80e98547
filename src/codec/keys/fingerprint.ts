/**
 * What a person compares: the fingerprint and the kind of a public key, as ssh prints them.
 * The key is the blob of RFC 4253, section 6.6, which is also the base64 field of known_hosts and of `.pub` files.
 */
import { createHash } from "node:crypto";
import { readString } from "../ssh-string.ts";

/** `SHA256:` and base64 without padding, as `ssh-keygen -l` prints it. */
export function fingerprint(blob: Uint8Array): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replaceAll("=", "")}`;
}

/** The type that a key blob begins with (`ssh-ed25519`), or undefined when the blob is no key. */
export function keyType(blob: Uint8Array): string | undefined {
  const name = readString(blob, 0);
  if (name === undefined || name.bytes.length === 0 || name.bytes.length > maxTypeLength) return undefined;
  const type = name.bytes.toString("latin1");
  return algorithmName.test(type) && name.next < blob.byteLength ? type : undefined;
}

/** The short name that ssh's messages use for a key type: `ED25519`, `ECDSA`, `RSA` ... */
export function keyTypeName(type: string): string {
  const plain = type.replace(/-cert-v\d\d@openssh\.com$/, "");
  const name = shortNames.get(plain.replace(/@openssh\.com$/, "")) ?? "unknown";
  return plain === type ? name : `${name}-CERT`;
}

/** RFC 4251, section 6. */
const maxTypeLength = 64;
const algorithmName = /^[!-+\--~]+$/;

const shortNames: ReadonlyMap<string, string> = new Map([
  ["ssh-ed25519", "ED25519"],
  ["ssh-rsa", "RSA"],
  ["ssh-dss", "DSA"],
  ["ecdsa-sha2-nistp256", "ECDSA"],
  ["ecdsa-sha2-nistp384", "ECDSA"],
  ["ecdsa-sha2-nistp521", "ECDSA"],
  ["sk-ssh-ed25519", "ED25519-SK"],
  ["sk-ecdsa-sha2-nistp256", "ECDSA-SK"],
]);
