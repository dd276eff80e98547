/**
 * PubkeyAcceptedAlgorithms and CASignatureAlgorithms: which keys may be offered, with which algorithm each, and which
 * signature of an authority is believed. Nothing is offered or believed that the user's own list leaves out.
 */
import { chooseAlgorithms, parseAlgorithmList } from "../../codec/config/algorithm-list.ts";
import { openSshAlgorithms } from "../../codec/config/openssh-algorithms.ts";
import { readString } from "../../codec/ssh-string.ts";
import type { KeyAlgorithm } from "./foreign-algorithm.ts";

/** What a list of PubkeyAcceptedAlgorithms leaves, best first; undefined without one. */
export function acceptedAlgorithms(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const available = openSshAlgorithms.publicKey;
  return chooseAlgorithms(parseAlgorithmList("publicKey", text), { defaults: available.filter(isSound), available })
    .names;
}

/** What a list of CASignatureAlgorithms leaves; undefined without one. */
export function authoritySignatures(text: string | undefined): readonly string[] | undefined {
  return acceptedAlgorithms(text)?.filter((name) => !name.includes("-cert-"));
}

/** The algorithm's name in front of a signature (RFC 4253, section 6.6). */
export function signatureAlgorithm(signature: Uint8Array): string {
  return readString(signature, 0)?.bytes.toString("latin1") ?? "";
}

/**
 * The algorithm that a key of this type may be offered with; undefined for none. Only RSA has a choice: the first in the
 * list that the server says it takes (sshconnect2.c, key_sig_algorithm).
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

/** How a key of a type with a choice is offered under this name; undefined for all other types. */
export function rsaAlgorithm(name: string): KeyAlgorithm | undefined {
  const signature = name.replace(/-cert-v01@openssh\.com$/, "");
  if (!rsaNames.includes(signature)) return undefined;
  const hash = signature === "rsa-sha2-256" ? "sha256" : signature === "rsa-sha2-512" ? "sha512" : undefined;
  return { offered: name, signature, hash };
}

const rsaNames = ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"];

/** ssh's own default since 8.8: neither DSA nor RSA with SHA-1. */
function isSound(name: string): boolean {
  return !/^ssh-(dss|rsa)\b/.test(name);
}
