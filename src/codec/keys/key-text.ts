/**
 * What kind of key a file holds, without its passphrase: the format, whether a passphrase locks the key, and the public
 * key where it is readable. Formats: OpenSSH's own (PROTOCOL.key), PEM (RFC 1421), PKCS#8 (RFC 5958), public keys.
 */

import { quoted } from "../../text/terminal-text.ts";
import { Malformed } from "../malformed.ts";
import { readString } from "../ssh-string.ts";
import { keyType } from "./fingerprint.ts";

export interface KeyText {
  /** `public`: the file has no private key; an agent may have the private key. */
  readonly format: "openssh" | "pem" | "pkcs8" | "public";
  /** Reading the private key needs a passphrase. */
  readonly locked: boolean;
  /** The public key's blob, as in known_hosts and `.pub` files; undefined when only the private key tells it. */
  readonly publicBlob: Buffer | undefined;
}

/** Throws Malformed with the reason why the text is no key that porthop can use. */
export function recognizeKey(text: string): KeyText {
  const label = /^-----BEGIN ([A-Z0-9 ]{1,40})-----[ \t]*\r?$/m.exec(text)?.[1];
  switch (label) {
    case "OPENSSH PRIVATE KEY":
      return recognizeOpenSsh(text);
    case "RSA PRIVATE KEY":
    case "EC PRIVATE KEY":
      return { format: "pem", locked: /^Proc-Type: *4,ENCRYPTED/m.test(text), publicBlob: undefined };
    case "PRIVATE KEY":
    case "ENCRYPTED PRIVATE KEY":
      return { format: "pkcs8", locked: label !== "PRIVATE KEY", publicBlob: undefined };
    case "DSA PRIVATE KEY":
      throw new Malformed("it is a DSA key, which servers do not take any more");
    case undefined:
      return recognizeOther(text);
    default:
      throw new Malformed(`it holds ${quoted(label)}, not a private key`);
  }
}

/** The key of a `.pub` file: `type base64 comment`. Undefined for any other text. */
export function parsePublicKey(text: string): Buffer | undefined {
  const [type = "", base64 = ""] = text.trimStart().split(/\s+/, 2);
  const blob = Buffer.from(base64, "base64");
  return type !== "" && keyType(blob) === type ? blob : undefined;
}

function recognizeOther(text: string): KeyText {
  const publicBlob = parsePublicKey(text);
  if (publicBlob !== undefined) return { format: "public", locked: false, publicBlob };
  if (text.startsWith("PuTTY-User-Key-File-")) {
    throw new Malformed("it is a PuTTY key: convert it with puttygen KEY -O private-openssh -o NEW");
  }
  if (text.trim() === "") throw new Malformed("it is empty");
  throw new Malformed("it is not a key in a known format");
}

const magic = Buffer.from("openssh-key-v1\0");

/** magic, cipher, kdf, kdf options, uint32 number of keys, public key, private part (PROTOCOL.key, section 1). */
function recognizeOpenSsh(text: string): KeyText {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]*)-----END OPENSSH PRIVATE KEY-----/.exec(
    text,
  )?.[1];
  const bytes = Buffer.from(body ?? "", "base64");
  const damaged = new Malformed("it is a damaged OpenSSH key");
  if (!bytes.subarray(0, magic.length).equals(magic)) throw damaged;
  const cipher = readString(bytes, magic.length);
  const kdf = readString(bytes, cipher?.next ?? -1);
  const kdfOptions = readString(bytes, kdf?.next ?? -1);
  if (cipher === undefined || kdfOptions === undefined || bytes.length - kdfOptions.next < 4) throw damaged;
  if (bytes.readUInt32BE(kdfOptions.next) !== 1) throw damaged;
  const publicKey = readString(bytes, kdfOptions.next + 4);
  if (publicKey === undefined || keyType(publicKey.bytes) === undefined) throw damaged;
  return {
    format: "openssh",
    locked: cipher.bytes.toString("latin1") !== "none",
    publicBlob: Buffer.from(publicKey.bytes),
  };
}
