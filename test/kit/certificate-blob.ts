/**
 * Makes certificates field by field (PROTOCOL.certkeys), signed or not, and also some that ssh-keygen would never make.
 */
import type { KeyObject } from "node:crypto";
import { sign } from "node:crypto";
import { writeStrings } from "../../src/codec/ssh-string.ts";

export interface CertificateFields {
  /** The beginning of the type. Undefined means `ssh-ed25519`. */
  readonly stem?: string;
  /** The public key. Undefined means zeros. */
  readonly publicKey?: Buffer;
  readonly role?: "user" | "host" | number;
  readonly serial?: bigint;
  readonly principals?: readonly string[];
  readonly validAfter?: bigint;
  readonly validBefore?: bigint;
  readonly criticalOptions?: readonly { readonly name: string; readonly value: string }[];
  readonly authority?: Buffer;
  /** An Ed25519 key. Without it the signature is invalid. */
  readonly signWith?: KeyObject;
}

const forEver = 2n ** 64n - 1n;

export function writeCertificate(fields: CertificateFields): Buffer {
  const { stem = "ssh-ed25519", role = "user", serial = 0n, principals = [], criticalOptions = [] } = fields;
  const roleNumber = typeof role === "number" ? role : role === "user" ? 1 : 2;
  const options = criticalOptions.flatMap(({ name, value }) => [name, writeStrings(value)]);
  const signed = Buffer.concat([
    writeStrings(`${stem}-cert-v01@openssh.com`, "nonce", ...keyFields(stem, fields.publicKey)),
    uint64(serial),
    Buffer.from([0, 0, 0, roleNumber]),
    writeStrings("id", writeStrings(...principals)),
    uint64(fields.validAfter ?? 0n),
    uint64(fields.validBefore ?? forEver),
    writeStrings(writeStrings(...options), "", "", fields.authority ?? writeStrings("ssh-ed25519", Buffer.alloc(32))),
  ]);
  const bytes = fields.signWith === undefined ? Buffer.from("signature") : sign(null, signed, fields.signWith);
  return Buffer.concat([signed, writeStrings(writeStrings("ssh-ed25519", bytes))]);
}

function keyFields(stem: string, publicKey: Buffer = Buffer.alloc(32)): (Buffer | string)[] {
  if (stem === "ssh-ed25519") return [publicKey];
  if (stem === "ssh-rsa") return [Buffer.from([3]), Buffer.alloc(256, 1)];
  if (stem === "sk-ssh-ed25519") return [publicKey, "ssh:"];
  const curve = stem.slice(stem.indexOf("nistp"));
  return stem.startsWith("sk-") ? [curve, Buffer.alloc(65, 4), "ssh:"] : [curve, Buffer.alloc(97, 4)];
}

function uint64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}
