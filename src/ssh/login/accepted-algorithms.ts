/**
 * Which keys may be offered with which algorithm, by the list of PubkeyAcceptedAlgorithms, and by which algorithm something
 * was signed. Nothing is offered that the user's own list leaves out.
 */
import { readString } from "../../codec/ssh-string.ts";
import type { KeyAlgorithm } from "./foreign-algorithm.ts";

/** The algorithm's name in front of a signature (RFC 4253, section 6.6). */
export function signatureAlgorithm(signature: Uint8Array): string {
  return readString(signature, 0)?.bytes.toString("latin1") ?? "";
}

/**
 * The algorithm to offer a key of this type with; undefined when the list allows none. Only RSA has several: the first
 * in the list that the server accepts is taken (sshconnect2.c, key_sig_algorithm).
 */
export function acceptedAlgorithm(
  type: string,
  accepted: readonly string[],
  serverTakes: readonly string[] | undefined,
): string | undefined {
  const rsa = /^ssh-rsa(?<suffix>-cert-v01@openssh\.com)?$/.exec(type);
  if (rsa === null) return accepted.find((name) => name === type);
  const suffix = rsa.groups?.["suffix"] ?? "";
  return accepted.find((name) => {
    const plain = name.slice(0, name.length - suffix.length);
    return name === `${plain}${suffix}` && rsaNames.includes(plain) && serverTakes?.includes(plain) !== false;
  });
}

/** How to offer an RSA key, plain or certified, under this name. Undefined for names of other key types. */
export function rsaAlgorithm(name: string): KeyAlgorithm | undefined {
  const signature = name.replace(/-cert-v01@openssh\.com$/, "");
  if (!rsaNames.includes(signature)) return undefined;
  const hash = signature === "rsa-sha2-256" ? "sha256" : signature === "rsa-sha2-512" ? "sha512" : undefined;
  return { offered: name, signature, hash };
}

const rsaNames = ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"];
