/**
 * Signatures in SSH's form (RFC 4253, section 6.6): checks a signature with the blob of a
 * public key, and converts ECDSA's two numbers from DER to SSH's form and back. A key or
 * signature that cannot be read counts as wrong and never throws.
 */
import { createHash, createPublicKey, type JsonWebKey, type KeyObject, verify } from "node:crypto";
import { type ReadString, readString, writeStrings } from "../ssh-string.ts";

export interface Curve {
  readonly type: string;
  /** The last word of the type (RFC 5656, section 3.1). */
  readonly name: string;
  readonly jwk: string;
  readonly bytes: number;
  readonly hash: string;
}

export const curves: readonly Curve[] = [
  { type: "ecdsa-sha2-nistp256", name: "nistp256", jwk: "P-256", bytes: 32, hash: "sha256" },
  { type: "ecdsa-sha2-nistp384", name: "nistp384", jwk: "P-384", bytes: 48, hash: "sha384" },
  { type: "ecdsa-sha2-nistp521", name: "nistp521", jwk: "P-521", bytes: 66, hash: "sha512" },
];

/**
 * Whether `key` made `signature` (`string algorithm`, `string bytes`, then a security key's flags and counter) over
 * `data`. A signature with RSA and SHA-1 counts as wrong, because SHA-1 is not safe any more.
 */
export function verifySignature(key: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean {
  try {
    const publicKey = readPublicKey(key);
    const given = readSignature(signature);
    return publicKey !== undefined && given !== undefined && check(publicKey, data, given);
  } catch {
    // node:crypto throws for numbers that make no key, for example a point that is not on the curve.
    return false;
  }
}

/** Whether signatures can be checked with this key: the blob is complete, and its numbers make a key. */
export function isPublicKey(key: Uint8Array): boolean {
  try {
    return readPublicKey(key) !== undefined;
  } catch {
    return false;
  }
}

/**
 * Converts DER to `string r`, `string s` (RFC 5656, section 3.1.2). An integer has the same bytes in DER and in an SSH
 * mpint: only the frame around the bytes differs.
 */
export function ecdsaFromDer(der: Uint8Array): Buffer {
  const first = derInteger(der, derStart(der));
  const second = derInteger(der, first.next);
  return writeStrings(first.bytes, second.bytes);
}

/** Converts `string r`, `string s` to DER. Undefined when `signature` does not have that form. */
export function ecdsaToDer(signature: Uint8Array): Buffer | undefined {
  const r = readString(signature, 0);
  const s = readString(signature, r?.next ?? -1);
  if (r === undefined || s === undefined || s.next !== signature.byteLength) return undefined;
  const body = Buffer.concat([derField(0x02, r.bytes), derField(0x02, s.bytes)]);
  return derField(0x30, body);
}

interface PublicKey {
  readonly type: string;
  readonly key: KeyObject;
  readonly hash: string | null;
  /** The application (such as `ssh:`) that a security key signs together with the data (PROTOCOL.u2f). */
  readonly application: Buffer | undefined;
}

interface GivenSignature {
  readonly algorithm: string;
  readonly bytes: Buffer;
  /** Flags and counter of a security key. */
  readonly rest: Buffer;
}

const ed25519 = "ssh-ed25519";
const securityKey = /^sk-(.+)@openssh\.com$/;
const rsaHashes: ReadonlyMap<string, string> = new Map([
  ["rsa-sha2-256", "sha256"],
  ["rsa-sha2-512", "sha512"],
]);
/** As OpenSSH's SSH_RSA_MINIMUM_MODULUS_SIZE, in bytes. */
const fewestModulusBytes = 128;

function readPublicKey(blob: Uint8Array): PublicKey | undefined {
  const fields = readAll(blob);
  const type = fields?.[0]?.toString("latin1");
  if (fields === undefined || type === undefined) return undefined;
  const plain = securityKey.exec(type)?.[1];
  // The application is the last field of a security key.
  const application = plain === undefined ? undefined : fields.pop();
  const [, first = empty, second = empty, ...more] = fields;
  if (more.length > 0) return undefined;
  const made = (jwk: JsonWebKey, hash: string | null) => ({
    type,
    key: createPublicKey({ key: jwk, format: "jwk" }),
    hash,
    application,
  });
  if ((plain ?? type) === ed25519) {
    return first.length === 32 && second === empty ? made(okp(first), null) : undefined;
  }
  if (type === "ssh-rsa") return second.length < fewestModulusBytes ? undefined : made(rsa(first, second), null);
  const curve = curves.find((candidate) => candidate.type === (plain ?? type));
  if (curve === undefined || first.toString("latin1") !== curve.name) return undefined;
  if (second.length !== 1 + 2 * curve.bytes || second[0] !== 4) return undefined;
  return made(ec(curve, second), curve.hash);
}

function check({ type, key, hash, application }: PublicKey, data: Uint8Array, given: GivenSignature): boolean {
  const { algorithm, bytes, rest } = given;
  if (type === "ssh-rsa") {
    const rsaHash = rsaHashes.get(algorithm);
    return rsaHash !== undefined && rest.length === 0 && verify(rsaHash, data, key, bytes);
  }
  if (algorithm !== type || rest.length !== (application === undefined ? 0 : 5)) return false;
  const signed = application === undefined ? data : Buffer.concat([sha256(application), rest, sha256(data)]);
  if (hash === null) return verify(null, signed, key, bytes);
  const der = ecdsaToDer(bytes);
  return der !== undefined && verify(hash, signed, key, der);
}

function readSignature(blob: Uint8Array): GivenSignature | undefined {
  const algorithm = readString(blob, 0);
  const bytes = readString(blob, algorithm?.next ?? -1);
  if (algorithm === undefined || bytes === undefined) return undefined;
  const rest = Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength).subarray(bytes.next);
  return { algorithm: algorithm.bytes.toString("latin1"), bytes: bytes.bytes, rest };
}

/** All strings of the blob; undefined when the blob holds anything else. */
function readAll(blob: Uint8Array): Buffer[] | undefined {
  const fields: Buffer[] = [];
  let at = 0;
  while (at < blob.byteLength) {
    const field: ReadString | undefined = readString(blob, at);
    if (field === undefined) return undefined;
    fields.push(field.bytes);
    at = field.next;
  }
  return fields;
}

function okp(x: Buffer): JsonWebKey {
  return { kty: "OKP", crv: "Ed25519", x: x.toString("base64url") };
}

function rsa(e: Buffer, n: Buffer): JsonWebKey {
  return { kty: "RSA", e: unsigned(e), n: unsigned(n) };
}

function ec(curve: Curve, point: Buffer): JsonWebKey {
  const x = point.subarray(1, 1 + curve.bytes).toString("base64url");
  const y = point.subarray(1 + curve.bytes).toString("base64url");
  return { kty: "EC", crv: curve.jwk, x, y };
}

/** Drops the zero byte that keeps an mpint positive, because a JWK's numbers are unsigned. */
function unsigned(bytes: Buffer): string {
  return bytes.subarray(bytes[0] === 0 ? 1 : 0).toString("base64url");
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}

/** Where the first integer of the sequence begins; only P-521 needs a length of two bytes. */
function derStart(der: Uint8Array): number {
  return (der[1] ?? 0) === 0x81 ? 3 : 2;
}

function derInteger(der: Uint8Array, at: number): { bytes: Uint8Array; next: number } {
  const start = at + 2;
  const next = start + (der[at + 1] ?? 0);
  return { bytes: der.subarray(start, next), next };
}

function derField(tag: number, content: Uint8Array): Buffer {
  const length = content.length < 0x80 ? [content.length] : [0x81, content.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

const empty = Buffer.alloc(0);
