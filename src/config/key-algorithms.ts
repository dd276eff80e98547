/**
 * PubkeyAcceptedAlgorithms and CASignatureAlgorithms as lists of names: which algorithms a key may be offered with, and which
 * signature of an authority is believed.
 */
import { chooseAlgorithms, parseAlgorithmList } from "../codec/config/algorithm-list.ts";
import { openSshAlgorithms } from "../codec/config/openssh-algorithms.ts";

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

/** ssh's own default since 8.8: neither DSA nor RSA with SHA-1. */
function isSound(name: string): boolean {
  return !/^ssh-(dss|rsa)\b/.test(name);
}
