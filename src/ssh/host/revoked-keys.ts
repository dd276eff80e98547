/**
 * Host keys and authorities that are never believed: `@revoked` lines of known_hosts, and RevokedHostKeys, a list of keys
 * as in `.pub` files. A line revokes the key that it names or certifies, and each certificate of it (sshkey_equal_public).
 */
import { open } from "node:fs/promises";
import { type Certificate, isAuthentic } from "../../codec/keys/certificate.ts";
import { fingerprint } from "../../codec/keys/fingerprint.ts";
import { type ListedKey, parseKeyList } from "../../codec/keys/key-list.ts";
import { PorthopError } from "../../errors.ts";
import { describe } from "../../io/socket-failure.ts";
import { visible } from "../../text/terminal-text.ts";
import { readBounded } from "../bounded-file.ts";
import { signatureAlgorithm } from "../login/accepted-algorithms.ts";
import { readHostCertificate } from "./host-authority.ts";

/**
 * `path` is the list; without one, or with `none`, there is nothing to refuse. As with ssh a list of which a line cannot be
 * read lets nobody through (authfile.c, sshkey_check_revoked); a KRL is one that porthop cannot read.
 */
export async function refuseRevoked(blob: Uint8Array, name: string, path: string | undefined): Promise<void> {
  if (path === undefined || path.toLowerCase() === "none") return;
  const text = await readText(path);
  if (text.startsWith(krlMagic)) throw unreadable(path, "it is a KRL, and porthop reads lists of public keys only");
  const {
    keys,
    unreadable: [damaged],
  } = parseKeyList(text);
  const certificate = readHostCertificate(blob, name);
  const found = findRevoked({ blob: certificate?.key ?? Buffer.from(blob) }, certificate, keys);
  if (found !== undefined) {
    const what = found.isAuthority ? "authority of the host certificate" : "host key";
    throw new PorthopError(
      "ssh.host-key-revoked",
      `the ${what} of ${visible(name)}, ${fingerprint(found.line.key)}, is in RevokedHostKeys: ${visible(path, 200)}:${found.line.line}${manner(found.line)}`,
      { leg: 2 },
    );
  }
  const flaw = damaged ?? keys.map(forgery).find((each) => each !== undefined);
  if (flaw !== undefined) throw unreadable(path, `line ${flaw.line}: ${flaw.reason}`);
}

/** The same for `@revoked` lines of known_hosts that speak of the host. */
export function refuseMarked(
  offered: { readonly blob: Buffer; readonly text: string },
  certificate: Certificate | undefined,
  name: string,
  lines: readonly MarkedLine[],
): void {
  const found = findRevoked(offered, certificate, lines);
  if (found === undefined) return;
  const what = found.isAuthority
    ? `authority ${fingerprint(found.line.key)} that signed the host certificate`
    : offered.text;
  throw new PorthopError(
    "ssh.host-key-revoked",
    `the ${what} of ${visible(name)} is marked as revoked in ${found.line.where}${manner(found.line)}`,
    { leg: 2 },
  );
}

/** `blob` is what the line says, `key` the plain key. */
interface RevokedLine {
  readonly blob: Buffer;
  readonly key: Buffer;
}

interface MarkedLine extends RevokedLine {
  readonly where: string | undefined;
}

/** A certificate that was signed with a revoked key is as bad as that key. */
function findRevoked<Line extends RevokedLine>(
  offered: { readonly blob: Buffer },
  certificate: Certificate | undefined,
  lines: readonly Line[],
): { readonly line: Line; readonly isAuthority: boolean } | undefined {
  const own = lines.find(({ key }) => key.equals(offered.blob));
  if (own !== undefined) return { line: own, isAuthority: false };
  const signer = lines.find(({ key }) => certificate?.authority.equals(key) === true);
  return signer === undefined ? undefined : { line: signer, isAuthority: true };
}

/** Who looks for the key in that line would not find it. */
function manner({ blob, key }: RevokedLine): string {
  return blob.equals(key) ? "" : ", in a certificate of it";
}

/**
 * The certificate of a line was changed after it was signed: which key was meant nobody can tell. Of a signature with SHA-1,
 * which is not checked here, ssh thinks better.
 */
function forgery({ certificate, line }: ListedKey): { readonly line: number; readonly reason: string } | undefined {
  if (certificate === undefined || signatureAlgorithm(certificate.signature) === "ssh-rsa") return undefined;
  return isAuthentic(certificate) ? undefined : { line, reason: "the signature of its certificate is wrong" };
}

/** What begins a KRL (PROTOCOL.krl, section 1). */
const krlMagic = "SSHKRL\n\0";

const maxBytes = 64 * 1024 * 1024;

async function readText(path: string): Promise<string> {
  try {
    const file = await open(path, "r");
    try {
      return await readBounded(file, maxBytes, "latin1");
    } finally {
      await file.close();
    }
  } catch (error) {
    throw unreadable(path, describe(error));
  }
}

function unreadable(path: string, why: string): PorthopError {
  return new PorthopError("file.cannot-read", `cannot read RevokedHostKeys ${visible(path, 200)}: ${why}`, {
    hint: "without the list no host key can be believed: mend it, or take RevokedHostKeys out of the configuration",
  });
}
