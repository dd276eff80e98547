/** Certificates for keys, signed by ssh-keygen in the role of a certificate authority. */
import { run } from "./run.ts";

export interface CertificateOptions {
  /** The authority's private key. */
  readonly authority: string;
  /** Names of users, or of hosts with `host`. An empty list means all. */
  readonly principals?: readonly string[];
  readonly host?: boolean;
  /** The value for `ssh-keygen -V`. */
  readonly validity?: string;
  /** The values for `ssh-keygen -O`. */
  readonly options?: readonly string[];
  /** The value for `ssh-keygen -t`: the signature algorithm of an RSA authority. */
  readonly signature?: string;
}

/** Signs the public key of `keyFile`. Returns the path of the certificate, `KEY-cert.pub`, beside the key. */
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
