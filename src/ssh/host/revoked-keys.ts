/**
 * Host keys and authorities that are never believed. They come from `@revoked` lines of known_hosts and from
 * RevokedHostKeys, a list of keys as in `.pub` files. A line revokes a key and every certificate of that key; a line
 * with a certificate revokes the key inside (sshkey_equal_public).
 */
import { type Certificate, isAuthentic } from "../../codec/keys/certificate.ts";
import { fingerprint } from "../../codec/keys/fingerprint.ts";
import { type ListedKey, parseKeyList } from "../../codec/keys/key-list.ts";
import { PorthopError } from "../../errors.ts";
import { openFile } from "../../io/open-file.ts";
import { describe } from "../../io/socket-failure.ts";
import { visible } from "../../text/terminal-text.ts";
import { readBounded } from "../bounded-file.ts";
import { signatureAlgorithm } from "../login/accepted-algorithms.ts";
import { readHostCertificate } from "./host-authority.ts";

/**
 * Throws when a list at one of the paths has the key. `none` is no list. As with ssh, every host is refused when a line
 * of a list cannot be read (authfile.c, sshkey_check_revoked). porthop cannot read a KRL, so a KRL also refuses every
 * host.
 */
export async function refuseRevoked(blob: Uint8Array, name: string, paths: readonly string[] = []): Promise<void> {
  for (const path of paths) if (path.toLowerCase() !== "none") await refuseListed(blob, name, path);
}

async function refuseListed(blob: Uint8Array, name: string, path: string): Promise<void> {
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

/** Throws when a `@revoked` line of known_hosts for this host has the key. */
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

/** `blob` is the key or certificate that the line has; `key` is the plain key. */
interface RevokedLine {
  readonly blob: Buffer;
  readonly key: Buffer;
}

interface MarkedLine extends RevokedLine {
  readonly where: string | undefined;
}

/**
 * Looks for the offered key, then for the authority that signed its certificate: a certificate by a revoked key is as
 * bad as the key.
 */
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

/** A line with a certificate does not contain the plain key's text, so the message says where the key is. */
function manner({ blob, key }: RevokedLine): string {
  return blob.equals(key) ? "" : ", in a certificate of it";
}

/**
 * When the certificate in a line was changed after the signature, nobody knows which key is meant. Signatures with
 * SHA-1 are not checked here; ssh accepts such a line.
 */
function forgery({ certificate, line }: ListedKey): { readonly line: number; readonly reason: string } | undefined {
  if (certificate === undefined || signatureAlgorithm(certificate.signature) === "ssh-rsa") return undefined;
  return isAuthentic(certificate) ? undefined : { line, reason: "the signature of its certificate is wrong" };
}

/** The first bytes of a KRL (PROTOCOL.krl, section 1). */
const krlMagic = "SSHKRL\n\0";

const maxBytes = 64 * 1024 * 1024;

async function readText(path: string): Promise<string> {
  try {
    const file = await openFile(path);
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
