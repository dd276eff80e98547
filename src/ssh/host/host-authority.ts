/**
 * Decides whether to believe a host certificate: an authority that known_hosts trusts for the host must have signed it,
 * it must name this host, and it must be valid now (OpenSSH's sshconnect.c, check_host_cert).
 */
import {
  type Certificate,
  hostCertificateFlaw,
  isAuthentic,
  isCertificateType,
  parseCertificate,
} from "../../codec/keys/certificate.ts";
import { fingerprint, keyType } from "../../codec/keys/fingerprint.ts";
import { Malformed } from "../../codec/malformed.ts";
import { PorthopError } from "../../errors.ts";
import { visible } from "../../text/terminal-text.ts";
import { signatureAlgorithm } from "../login/accepted-algorithms.ts";

/**
 * Undefined for a plain key. Throws `ssh.protocol` when the certificate is damaged; `name` is the host's name in that
 * error.
 */
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
  /** `FILE:LINE` of the line. */
  readonly where: string | undefined;
}

/**
 * Undefined when the certificate proves that the server is this host; otherwise the reason why not. `certifiedName` is
 * the host's name as certificates have it, without a port. `signatures` are the algorithms that an authority may sign
 * with (CASignatureAlgorithms).
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
    ? hostCertificateFlaw(certificate, certifiedName, Date.now())
    : "its signature is wrong or too old a kind";
  return flaw === undefined ? undefined : `its certificate cannot be used: ${visible(flaw, 200)}`;
}
