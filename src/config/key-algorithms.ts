/**
 * PubkeyAcceptedAlgorithms and CASignatureAlgorithms as lists of names: the algorithms with which a key may be offered,
 * and the signatures of a certificate authority that are believed.
 */
import { chooseAlgorithms, parseAlgorithmList } from "../codec/config/algorithm-list.ts";
import { openSshAlgorithms } from "../codec/config/openssh-algorithms.ts";

/** The algorithms that a PubkeyAcceptedAlgorithms list allows, best first; undefined without a list. */
export function acceptedAlgorithms(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const available = openSshAlgorithms.publicKey;
  return chooseAlgorithms(parseAlgorithmList("publicKey", text), { defaults: available.filter(isSound), available })
    .names;
}

/** The algorithms that a CASignatureAlgorithms list allows; undefined without a list. */
export function authoritySignatures(text: string | undefined): readonly string[] | undefined {
  return acceptedAlgorithms(text)?.filter((name) => !name.includes("-cert-"));
}

/** Whether ssh accepts the algorithm by default: since OpenSSH 8.8 neither DSA nor RSA with SHA-1. */
function isSound(name: string): boolean {
  return !/^ssh-(dss|rsa)\b/.test(name);
}
