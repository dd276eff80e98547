/**
 * PubkeyAcceptedAlgorithms and CASignatureAlgorithms: which keys may be offered, with which algorithm, and which
 * signatures of an authority are believed. Nothing outside the user's own list is offered or believed.
 */
import { chooseAlgorithms, parseAlgorithmList } from "../../codec/config/algorithm-list.ts";
import { openSshAlgorithms } from "../../codec/config/openssh-algorithms.ts";
import { readString } from "../../codec/ssh-string.ts";
import type { KeyAlgorithm } from "./foreign-algorithm.ts";

/** The algorithms that a list of PubkeyAcceptedAlgorithms allows, best first. Undefined without a list. */
export function acceptedAlgorithms(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const available = openSshAlgorithms.publicKey;
  return chooseAlgorithms(parseAlgorithmList("publicKey", text), { defaults: available.filter(isSound), available })
    .names;
}

/** The algorithms that a list of CASignatureAlgorithms allows. Undefined without a list. */
export function authoritySignatures(text: string | undefined): readonly string[] | undefined {
  return acceptedAlgorithms(text)?.filter((name) => !name.includes("-cert-"));
}

/** The name of the algorithm that a signature begins with (RFC 4253, section 6.6). "" for a damaged signature. */
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

/** As ssh's own default since 8.8: no DSA, and no RSA with SHA-1. */
function isSound(name: string): boolean {
  return !/^ssh-(dss|rsa)\b/.test(name);
}
