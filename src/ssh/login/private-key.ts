/**
 * Opens private keys of all formats and signs with them. node:crypto makes the signatures, for two reasons: ssh2 cannot
 * read PKCS#8, and Deno refuses half of the ECDSA keys that ssh2 has converted ("invalid SEC1 private key").
 */
import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject, sign } from "node:crypto";
import { type KeyText, recognizeKey } from "../../codec/keys/key-text.ts";
import { type Curve, curves } from "../../codec/keys/ssh-signature.ts";
import { Malformed } from "../../codec/malformed.ts";
import { writeStrings } from "../../codec/ssh-string.ts";
import { messageOf } from "../../text/error-message.ts";
import { visible } from "../../text/terminal-text.ts";
import { keyFault } from "../ssh-failure.ts";
import type { Ssh2 } from "../ssh2/loading.ts";

export interface PrivateKey {
  /** The public key. */
  readonly blob: Buffer;
  /** Only RSA needs `hash` (RFC 8332). The bytes are in node:crypto's form; for ECDSA, ssh2 converts them. */
  sign(data: Uint8Array, hash: string | undefined): Buffer;
}

export class WrongPassphrase extends Error {
  override readonly name = "WrongPassphrase";
}

/** Throws WrongPassphrase, or Malformed with the reason. */
export function openPrivateKey(ssh2: Ssh2, text: string, passphrase?: string): PrivateKey {
  const recognized = recognizeKey(text);
  const key =
    recognized.format === "openssh" ? openOpenSsh(ssh2, recognized.block, passphrase) : open(recognized, passphrase);
  const kind = signingKind(key);
  return {
    blob: publicBlob(createPublicKey(key)),
    sign: (data, hash) => sign(kind === "rsa" ? (hash ?? "sha1") : kind, data, key),
  };
}

function open({ block, locked }: KeyText, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey({ key: block, ...(locked ? { passphrase: passphrase ?? "" } : {}) });
  } catch (error) {
    if (locked && isUnknownLock(error)) throw new Malformed(unknownLock, { cause: error });
    // A wrong passphrase mostly gives a padding error. About once in 256 times it gives random bytes instead, and then
    // the error can have any text.
    if (locked) throw new WrongPassphrase("wrong passphrase", { cause: error });
    throw new Malformed(`it cannot be read: ${visible(messageOf(error), 120)}`, { cause: error });
  }
}

const unknownLock =
  "its passphrase is kept in a way that porthop does not know: give it one anew with ssh-keygen -p -Z aes256-ctr -f FILE";

/**
 * BoringSSL reports an unknown way of locking before it uses the passphrase: scrypt, PRFs other than SHA-1 and SHA-256,
 * Camellia.
 */
function isUnknownLock(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return /^ERR_OSSL_.*UNSUPPORTED_(KEY_DERIVATION_FUNCTION|PRF|ENCRYPTION|CIPHER)$/.test(code);
}

/** ssh2 reads this format and its bcrypt. Only the opened key is taken from ssh2. */
function openOpenSsh(ssh2: Ssh2, text: string, passphrase: string | undefined): KeyObject {
  const parsed = ssh2.utils.parseKey(text, passphrase);
  if (parsed instanceof Error) {
    const fault = keyFault(parsed);
    if (fault === "passphrase") throw new WrongPassphrase("wrong passphrase", { cause: parsed });
    const what = fault === "cipher" ? unknownLock : `it cannot be read: ${visible(parsed.message, 120)}`;
    throw new Malformed(what, { cause: parsed });
  }
  const pem = parsed.getPrivatePEM();
  const curve = curves.find(({ type }) => type === parsed.type);
  if (curve === undefined) return createPrivateKey(pem);
  return createPrivateKey({ key: ecKey(pem, parsed.getPublicSSH(), curve), format: "jwk" });
}

/**
 * ssh2 writes the private number with the length that it has in the file, but RFC 5915 wants a fixed length; this
 * function gives the number that length. ssh2 writes the PEM itself (a sequence, three bytes of version, the number),
 * so the layout is known.
 */
function ecKey(pem: string, blob: Buffer, curve: Curve): JsonWebKey {
  const der = Buffer.from(pem.replaceAll(/-----[^-]*-----/g, ""), "base64");
  const lengthBytes = (der[1] ?? 0) & 0x80 ? (der[1] ?? 0) & 0x7f : 0;
  const at = 2 + lengthBytes + 3;
  const number = der.subarray(at + 2, at + 2 + (der[at + 1] ?? 0));
  const d = Buffer.concat([Buffer.alloc(curve.bytes), number]).subarray(-curve.bytes);
  const y = blob.subarray(-curve.bytes);
  const x = blob.subarray(-2 * curve.bytes, -curve.bytes);
  return { kty: "EC", crv: curve.jwk, d: base64url(d), x: base64url(x), y: base64url(y) };
}

/** `rsa`, or the hash that belongs to the key's type. Null for Ed25519, whose hash is a part of the algorithm. */
function signingKind(key: KeyObject): "rsa" | string | null {
  switch (key.asymmetricKeyType) {
    case "rsa":
      return "rsa";
    case "ed25519":
      return null;
    case "ec":
      return curveOf(createPublicKey(key).export({ format: "jwk" })).hash;
    default:
      throw new Malformed(`it is a key of the kind ${visible(String(key.asymmetricKeyType))}, which SSH does not have`);
  }
}

/**
 * The form of the public key: RFC 4253, section 6.6 (RSA), RFC 5656, section 3.1 (ECDSA), RFC 8709, section 4
 * (Ed25519).
 */
function publicBlob(key: KeyObject): Buffer {
  const jwk = key.export({ format: "jwk" });
  const field = (value: string | undefined) => Buffer.from(value ?? "", "base64url");
  if (jwk.kty === "RSA") return writeStrings("ssh-rsa", positive(field(jwk.e)), positive(field(jwk.n)));
  if (jwk.kty === "OKP") return writeStrings("ssh-ed25519", field(jwk.x));
  const curve = curveOf(jwk);
  return writeStrings(curve.type, curve.name, Buffer.concat([Buffer.from([4]), field(jwk.x), field(jwk.y)]));
}

function curveOf(jwk: JsonWebKey): Curve {
  const curve = curves.find((candidate) => candidate.jwk === jwk.crv);
  if (curve === undefined)
    throw new Malformed(`it is on the curve ${visible(String(jwk.crv))}, which SSH does not have`);
  return curve;
}

/**
 * Makes an mpint (RFC 4251, section 5). A zero byte goes in front of a first byte with the high bit set, which would
 * mean a negative number.
 */
function positive(bytes: Buffer): Buffer {
  return (bytes[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes;
}

function base64url(bytes: Buffer): string {
  return bytes.toString("base64url");
}
