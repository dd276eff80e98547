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
  /** The private key from its BEGIN line to its END line. Empty for a public key. */
  readonly block: string;
}

/**
 * Throws Malformed with the reason why the text is no key that porthop can use. As OpenSSL does for PEM, the first
 * private key counts, whatever stands before its BEGIN line and behind its END line.
 */
export function recognizeKey(text: string): KeyText {
  const blocks = blocksIn(text);
  const block = blocks.find(({ label }) => privateLabels.has(label)) ?? blocks[0];
  switch (block?.label) {
    case "OPENSSH PRIVATE KEY":
      return recognizeOpenSsh(block);
    case "RSA PRIVATE KEY":
    case "EC PRIVATE KEY":
      return privateKey("pem", /^Proc-Type: *4,ENCRYPTED/m.test(block.body ?? ""), block);
    case "PRIVATE KEY":
    case "ENCRYPTED PRIVATE KEY":
      return privateKey("pkcs8", block.label !== "PRIVATE KEY", block);
    case "DSA PRIVATE KEY":
      throw new Malformed("it is a DSA key, which servers do not take any more");
    case undefined:
      return recognizeOther(text);
    default:
      throw new Malformed(`it holds ${quoted(block?.label ?? "")}, not a private key`);
  }
}

/**
 * The key of a `.pub` file: `type base64 comment`. As with ssh (authfile.c, sshkey_try_load_public) the first line that
 * is a key counts, and nothing behind a BEGIN line. Undefined for any other text.
 */
export function parsePublicKey(text: string): Buffer | undefined {
  for (const line of text.split("\n")) {
    if (line.startsWith("-----BEGIN")) return undefined;
    const [type = "", base64 = ""] = line.trim().split(/\s+/, 2);
    const blob = Buffer.from(base64, "base64");
    if (type !== "" && keyType(blob) === type) return blob;
  }
  return undefined;
}

interface Block {
  readonly label: string;
  /** The lines between BEGIN and END. Undefined when there is no END. */
  readonly body: string | undefined;
}

const privateLabels: ReadonlySet<string> = new Set([
  "OPENSSH PRIVATE KEY",
  "RSA PRIVATE KEY",
  "EC PRIVATE KEY",
  "PRIVATE KEY",
  "ENCRYPTED PRIVATE KEY",
  "DSA PRIVATE KEY",
]);

/**
 * All blocks between lines of BEGIN and END (RFC 7468), such as `EC PARAMETERS`, which OpenSSL puts before the key. A
 * body ends at the next line of dashes, whatever that line says. So each byte is looked at once, also in a file of a
 * thousand BEGINs without an END.
 */
function blocksIn(text: string): Block[] {
  const blocks: Block[] = [];
  const begin = /^\uFEFF?-----BEGIN ([A-Z0-9 ]{1,40})-----[ \t]*\r?$/gm;
  for (let found = begin.exec(text); found !== null; found = begin.exec(text)) {
    const label = found[1] ?? "";
    const stop = text.indexOf("\n-----", begin.lastIndex);
    const isWhole = stop >= 0 && text.startsWith(`\n-----END ${label}-----`, stop);
    blocks.push({ label, body: isWhole ? text.slice(begin.lastIndex, stop) : undefined });
    if (stop < 0) break;
    begin.lastIndex = stop;
  }
  return blocks;
}

/** The block alone, without blanks at the ends of its lines: the readers of keys take nothing else in the file. */
function privateKey(format: KeyText["format"], locked: boolean, { label, body }: Block, publicBlob?: Buffer): KeyText {
  if (body === undefined) throw new Malformed("it is a damaged key: its END line is missing");
  const lines = body.split("\n").map((line) => line.trimEnd());
  return { format, locked, publicBlob, block: `-----BEGIN ${label}-----${lines.join("\n")}\n-----END ${label}-----\n` };
}

function recognizeOther(text: string): KeyText {
  const publicBlob = parsePublicKey(text);
  if (publicBlob !== undefined) return { format: "public", locked: false, publicBlob, block: "" };
  if (text.startsWith("PuTTY-User-Key-File-")) {
    throw new Malformed("it is a PuTTY key: convert it with puttygen KEY -O private-openssh -o NEW");
  }
  if (text.trim() === "") throw new Malformed("it is empty");
  throw new Malformed("it is not a key in a known format");
}

const magic = Buffer.from("openssh-key-v1\0");

/** magic, cipher, kdf, kdf options, uint32 number of keys, public key, private part (PROTOCOL.key, section 1). */
function recognizeOpenSsh(block: Block): KeyText {
  const bytes = Buffer.from(block.body ?? "", "base64");
  const damaged = new Malformed("it is a damaged OpenSSH key");
  if (!/^[A-Za-z0-9+/=\s]*$/.test(block.body ?? "") || !bytes.subarray(0, magic.length).equals(magic)) throw damaged;
  const cipher = readString(bytes, magic.length);
  const kdf = readString(bytes, cipher?.next ?? -1);
  const kdfOptions = readString(bytes, kdf?.next ?? -1);
  if (cipher === undefined || kdfOptions === undefined || bytes.length - kdfOptions.next < 4) throw damaged;
  if (bytes.readUInt32BE(kdfOptions.next) !== 1) throw damaged;
  const publicKey = readString(bytes, kdfOptions.next + 4);
  if (publicKey === undefined || keyType(publicKey.bytes) === undefined) throw damaged;
  const locked = cipher.bytes.toString("latin1") !== "none";
  return privateKey("openssh", locked, block, Buffer.from(publicKey.bytes));
}
