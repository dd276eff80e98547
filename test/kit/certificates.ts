/** Certificates for keys, signed by ssh-keygen as a certificate authority would. */
import { run } from "./run.ts";

export interface CertificateOptions {
  /** The authority's private key. */
  readonly authority: string;
  /** Users, or with `host` names; none stands for all. */
  readonly principals?: readonly string[];
  readonly host?: boolean;
  /** As after `ssh-keygen -V`. */
  readonly validity?: string;
  /** As after `ssh-keygen -O`. */
  readonly options?: readonly string[];
  /** As after `ssh-keygen -t`: what an RSA authority signs with. */
  readonly signature?: string;
}

/** Signs the public key of `keyFile`; the certificate is beside it, `KEY-cert.pub`, which is given. */
export async function certify(keyFile: string, given: CertificateOptions): Promise<string> {
  const { authority, principals = [], host = false, validity, options = [], signature } = given;
  const args = [
    ...["-q", "-s", authority, "-I", "porthop-test"],
    ...(host ? ["-h"] : []),
    ...(principals.length > 0 ? ["-n", principals.join(",")] : []),
    ...(validity === undefined ? [] : ["-V", validity]),
    ...(signature === undefined ? [] : ["-t", signature]),
    ...options.flatMap((option) => ["-O", option]),
    `${keyFile}.pub`,
  ];
  const { code, stderr } = await run("ssh-keygen", args);
  if (code !== 0) throw new Error(`ssh-keygen: ${stderr}`);
  return `${keyFile}-cert.pub`;
}
