/**
 * How public keys are offered that ssh2 does not know, certificates and security keys: their names in the request and in the
 * signature.
 */
import { isCertificateType } from "../../codec/keys/certificate.ts";

/** What a key is offered and signed with. */
export interface KeyAlgorithm {
  /** In the request: `rsa-sha2-512-cert-v01@openssh.com`. */
  readonly offered: string;
  /** In the signature: `rsa-sha2-512`. */
  readonly signature: string;
  /** For node:crypto; undefined where the key's type fixes it. */
  readonly hash: "sha256" | "sha512" | undefined;
}

/**
 * How a key of this type is offered; undefined for types that ssh2 knows, and for those that nobody here does. Only RSA has
 * a choice: the better hash that the server says it takes (RFC 8308, section 3.1; sshconnect2.c, key_sig_algorithm).
 */
export function foreignAlgorithm(type: string, serverTakes: readonly string[] | undefined): KeyAlgorithm | undefined {
  if (type === "ssh-rsa-cert-v01@openssh.com") {
    const onlySha256 = serverTakes?.includes("rsa-sha2-512") === false && serverTakes.includes("rsa-sha2-256");
    const bits = onlySha256 ? 256 : 512;
    const name = `rsa-sha2-${bits}`;
    return { offered: `${name}-cert-v01@openssh.com`, signature: name, hash: `sha${bits}` };
  }
  if (securityKey.test(type)) return { offered: type, signature: type, hash: undefined };
  if (!isCertificateType(type)) return undefined;
  const plain = type.replace(/-cert-v01@openssh\.com$/, "");
  return { offered: type, signature: plain.startsWith("sk-") ? `${plain}@openssh.com` : plain, hash: undefined };
}

/** `sk-ssh-ed25519@openssh.com`, `sk-ecdsa-sha2-nistp256@openssh.com`. */
export const securityKey = /^sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com$/;
