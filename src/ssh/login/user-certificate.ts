/**
 * A certificate that may prove who the user is (ssh-keygen -s), from the file beside a key, from CertificateFile or
 * from an agent. As with ssh, the certificate is offered whatever its content is. When the server refuses, the error
 * says what the certificate allows.
 */
import { type Certificate, parseCertificate, timeFlaw, timeText } from "../../codec/keys/certificate.ts";
import { fingerprint } from "../../codec/keys/fingerprint.ts";
import { Malformed } from "../../codec/malformed.ts";
import { visible } from "../../text/terminal-text.ts";
import type { KeyFile } from "./key-file.ts";

export interface UserCertificate {
  /** The file as the user would write it. */
  readonly label: string;
  readonly blob: Buffer;
  readonly certificate: Certificate;
  /**
   * The key file that the certificate lies beside (`KEY-cert.pub`). Undefined when the user named the certificate
   * itself.
   */
  readonly file?: KeyFile | undefined;
}

/** Throws Malformed with the reason when the blob is no certificate for users. */
export function readUserCertificate(label: string, blob: Buffer, file?: KeyFile): UserCertificate {
  const certificate = parseCertificate(blob);
  if (certificate.role !== "user") throw new Malformed("it is a certificate for hosts, not for users");
  return { label, blob, certificate, file };
}

/**
 * Says, from the certificate's own content, why a server may have refused it for `user`. `nowMs` is in ms since 1970.
 */
export function refusalHint(label: string, certificate: Certificate, user: string, nowMs: number): string {
  const name = `the certificate ${label}`;
  const flaw = userFlaw(certificate, user, nowMs);
  if (flaw !== undefined) return `${name}: ${flaw}`;
  const until = `valid until ${timeText(certificate.validBefore)} for ${listed(certificate.principals)}`;
  return `${name} is ${until}: the server may not trust its authority ${fingerprint(certificate.authority)}`;
}

/**
 * sshd without AuthorizedPrincipals decides in this way (auth2-pubkeyfile.c): the principals must include the user's
 * own name.
 */
function userFlaw(certificate: Certificate, user: string, nowMs: number): string | undefined {
  const flaw = timeFlaw(certificate, nowMs);
  if (flaw !== undefined) return flaw;
  const { principals, criticalOptions } = certificate;
  if (principals.length === 0) return "it names no users, so no server takes it: ssh-keygen -s with -n";
  if (!principals.includes(user)) return `it is for ${listed(principals)}, not for ${visible(user, 60)}`;
  const from = criticalOptions.find(({ name }) => name === "source-address");
  return from === undefined ? undefined : `it may be used from ${visible(from.value, 120)} only`;
}

function listed(principals: readonly string[]): string {
  const shown = principals.slice(0, 5).map((principal) => visible(principal, 60));
  const more = principals.length > shown.length ? ` and ${principals.length - shown.length} more` : "";
  return `${shown.join(", ")}${more}`;
}
