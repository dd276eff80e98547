/**
 * The algorithm names for public keys that ssh2 does not know: certificates and security keys. The request and the
 * signature may need different names.
 */
import { isCertificateType } from "../../codec/keys/certificate.ts";

/** The names and the hash with which a key is offered and signs. */
export interface KeyAlgorithm {
  /** The name in the request: `rsa-sha2-512-cert-v01@openssh.com`. */
  readonly offered: string;
  /** The name in the signature: `rsa-sha2-512`. */
  readonly signature: string;
  /** The hash for node:crypto. Undefined when the key's type decides the hash. */
  readonly hash: "sha256" | "sha512" | undefined;
}

/**
 * The algorithm for a key of this type. Undefined for types that ssh2 knows, and for types that neither ssh2 nor
 * porthop knows. Only RSA has several: the better hash that the server says it accepts is taken (RFC 8308, section 3.1;
 * sshconnect2.c, key_sig_algorithm).
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

/** Of such a key, plain or certified, a signature has a name of its own. */
export function isOfSecurityKey(algorithm: KeyAlgorithm | undefined): boolean {
  return algorithm !== undefined && securityKey.test(algorithm.signature);
}

/**
 * Whether the device saw a touch for this signature: the lowest of the flags, behind which stands a counter of four
 * bytes (PROTOCOL.u2f, SSH2_SK signatures).
 */
export function wasTouched(signature: Uint8Array): boolean {
  return ((signature.at(-5) ?? 0) & 1) === 1;
}

/** The types of plain security keys: `sk-ssh-ed25519@openssh.com`, `sk-ecdsa-sha2-nistp256@openssh.com`. */
export const securityKey = /^sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com$/;
