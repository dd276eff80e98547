/**
 * A list of public keys and certificates, one on a line as in a `.pub` file (OpenSSH's sshkey.c, sshkey_read). Each
 * line that cannot be read is reported: a caller with a list of revoked keys must not miss one.
 */
import { Malformed } from "../malformed.ts";
import { readString } from "../ssh-string.ts";
import { type Certificate, isCertificateType, parseCertificate } from "./certificate.ts";
import { keyType } from "./fingerprint.ts";
import { isPublicKey } from "./ssh-signature.ts";

export interface ListedKey {
  /** Counted from 1. */
  readonly line: number;
  /** As written in the line: a key or a certificate. */
  readonly blob: Buffer;
  /** The plain key: for a certificate, the certified key. */
  readonly key: Buffer;
  readonly certificate: Certificate | undefined;
}

export interface KeyList {
  readonly keys: readonly ListedKey[];
  readonly unreadable: readonly { readonly line: number; readonly reason: string }[];
}

/** Empty lines and comments are skipped. */
export function parseKeyList(text: string): KeyList {
  const keys: ListedKey[] = [];
  const unreadable: KeyList["unreadable"][number][] = [];
  for (const [index, row] of text.split("\n").entries()) {
    const words = row.replace(/^[ \t]+/, "");
    if (words === "" || words.startsWith("#")) continue;
    try {
      keys.push({ line: index + 1, ...parseLine(words) });
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      unreadable.push({ line: index + 1, reason: error.message });
    }
  }
  return { keys, unreadable };
}

function parseLine(text: string): Omit<ListedKey, "line"> {
  const [type = "", base64 = ""] = text.split(/[ \t\r]+/, 2);
  if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) throw new Malformed("it is not a public key");
  const blob = Buffer.from(base64, "base64");
  if (keyType(blob) !== type) throw new Malformed("its key is damaged, or of another type than it says");
  if (!isCertificateType(type)) return { blob, key: checked(blob, type), certificate: undefined };
  const certificate = parseCertificate(blob);
  return { blob, key: checked(certificate.key, certificate.plainType), certificate };
}

/**
 * Refuses a damaged key: a key that is cut short, or no point of its curve, would silently match no key of a server.
 */
function checked(key: Buffer, type: string): Buffer {
  const [, ...fields] = readFields(key);
  const count = fieldCounts.get(type);
  const isWhole = count === undefined ? isPublicKey(key) : fields.length === count;
  // ssh takes any 32 bytes as an Ed25519 key, but the check of some runtimes does not: only the length is checked here.
  if (isWhole && (!type.includes("ed25519") || fields[0]?.length === 32)) return key;
  throw new Malformed("its key is damaged or of an unknown type");
}

/** How many fields a key has, for the types of which only that number is checked. */
const fieldCounts: ReadonlyMap<string, number> = new Map([
  ["ssh-ed25519", 1],
  ["sk-ssh-ed25519@openssh.com", 2],
  ["ssh-rsa", 2],
  ["ssh-dss", 4],
]);

/** The fields of a key; empty when the key holds anything else than whole fields. */
function readFields(key: Buffer): Buffer[] {
  const fields: Buffer[] = [];
  for (let at = 0; at !== key.length; ) {
    const field = readString(key, at);
    if (field === undefined) return [];
    fields.push(field.bytes);
    at = field.next;
  }
  return fields;
}
