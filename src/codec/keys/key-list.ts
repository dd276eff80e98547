/**
 * A list of public keys and certificates, one on a line as in a `.pub` file (OpenSSH's sshkey.c, sshkey_read). Nothing is
 * guessed: who relies on the list must know of each line that could not be read.
 */
import { Malformed } from "../malformed.ts";
import { readString } from "../ssh-string.ts";
import { type Certificate, isCertificateType, parseCertificate } from "./certificate.ts";
import { keyType } from "./fingerprint.ts";
import { isPublicKey } from "./ssh-signature.ts";

export interface ListedKey {
  /** Counted from 1. */
  readonly line: number;
  /** As it is written. */
  readonly blob: Buffer;
  /** The key itself: of a certificate the one that it certifies. */
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

/** A key that is cut short, or no point of its curve, would only look like a key that nobody has. */
function checked(key: Buffer, type: string): Buffer {
  const [, ...fields] = readFields(key);
  const count = fieldCounts.get(type);
  const isWhole = count === undefined ? isPublicKey(key) : fields.length === count;
  // Any 32 bytes will do for ssh, and not for every runtime's own check.
  if (isWhole && (!type.includes("ed25519") || fields[0]?.length === 32)) return key;
  throw new Malformed("its key is damaged or of an unknown type");
}

/** Of keys that are not looked at any closer. */
const fieldCounts: ReadonlyMap<string, number> = new Map([
  ["ssh-ed25519", 1],
  ["sk-ssh-ed25519@openssh.com", 2],
  ["ssh-rsa", 2],
  ["ssh-dss", 4],
]);

/** None when something else than whole fields is there. */
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
