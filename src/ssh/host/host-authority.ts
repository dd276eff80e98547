/**
 * Whether a host certificate is to be believed: signed by an authority that known_hosts trusts for the host, for this
 * host, now (OpenSSH's sshconnect.c, check_host_cert).
 */
import {
  type Certificate,
  hostFlaw,
  isAuthentic,
  isCertificateType,
  parseCertificate,
} from "../../codec/keys/certificate.ts";
import { fingerprint, keyType } from "../../codec/keys/fingerprint.ts";
import { Malformed } from "../../codec/malformed.ts";
import { PorthopError } from "../../errors.ts";
import { visible } from "../../text/terminal-text.ts";
import { signatureAlgorithm } from "../login/accepted-algorithms.ts";

/** Undefined for a plain key. `name` is for the error of one that is damaged. */
export function readHostCertificate(blob: Uint8Array, name: string): Certificate | undefined {
  if (!isCertificateType(keyType(blob) ?? "")) return undefined;
  try {
    return parseCertificate(blob);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    const text = `${visible(name)} sent a host certificate that cannot be read: ${error.message}`;
    throw new PorthopError("ssh.protocol", text, { leg: 2 });
  }
}

/** A line of known_hosts that trusts an authority for the host. */
export interface Authority {
  readonly key: Buffer;
  /** File and line. */
  readonly where: string | undefined;
}

/**
 * Undefined when the certificate proves that this is the host; else why it does not. `certifiedName` is the host as
 * certificates name it, without a port. `signatures` is what an authority may have signed with (CASignatureAlgorithms).
 */
export function authorityFlaw(
  certificate: Certificate | undefined,
  authorities: readonly Authority[],
  certifiedName: string,
  signatures?: readonly string[] | undefined,
): string | undefined {
  const where = authorities[0]?.where;
  if (certificate === undefined) return `${where} trusts an authority for it, but it has no certificate`;
  const authority = authorities.find(({ key }) => key.equals(certificate.authority));
  if (authority === undefined) {
    return `its certificate is of another authority than ${where} trusts: ${fingerprint(certificate.authority)}`;
  }
  const signed = signatureAlgorithm(certificate.signature);
  if (signatures?.includes(signed) === false) {
    return `its certificate is signed with ${visible(signed, 60)}, which CASignatureAlgorithms leaves out`;
  }
  const flaw = isAuthentic(certificate)
    ? hostFlaw(certificate, certifiedName, Date.now())
    : "its signature is wrong or too old a kind";
  return flaw === undefined ? undefined : `its certificate cannot be used: ${visible(flaw, 200)}`;
}
