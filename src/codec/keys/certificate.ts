/**
 * OpenSSH certificates (PROTOCOL.certkeys): reads the fields of the blob, checks the authority's signature, and says
 * why a certificate is not valid at a time or for a host. The caller decides whether the authority is trusted.
 */

import { matchesPattern } from "../host-pattern.ts";
import { Malformed } from "../malformed.ts";
import { readString, writeStrings } from "../ssh-string.ts";
import { keyType } from "./fingerprint.ts";
import { verifySignature } from "./ssh-signature.ts";

export interface Certificate {
  /** `ssh-ed25519-cert-v01@openssh.com` */
  readonly type: string;
  /** The type of the certified key: `ssh-ed25519`. */
  readonly plainType: string;
  /** The certified key, as the blob of a plain public key. */
  readonly key: Buffer;
  readonly role: "user" | "host";
  readonly id: string;
  readonly serial: bigint;
  /** User names, or patterns for host names. An empty list stands for nobody. */
  readonly principals: readonly string[];
  /** Seconds since 1970. */
  readonly validAfter: bigint;
  /** Seconds since 1970; from this second on the certificate is not valid. */
  readonly validBefore: bigint;
  readonly criticalOptions: readonly { readonly name: string; readonly value: string }[];
  /** The public key that signed the certificate. */
  readonly authority: Buffer;
  readonly signed: Buffer;
  readonly signature: Buffer;
}

export function isCertificateType(type: string): boolean {
  return plainTypeOf(type) !== undefined;
}

/** Throws Malformed with the reason. */
export function parseCertificate(blob: Uint8Array): Certificate {
  const type = keyType(blob) ?? "";
  const kind = plainTypeOf(type);
  if (kind === undefined) throw new Malformed("it is not a certificate");
  const fields = new Fields(blob);
  fields.string();
  fields.string();
  const keyFields = Array.from({ length: kind.fields }, () => fields.string());
  const serial = fields.uint64();
  const role = roles.get(fields.uint32());
  if (role === undefined) throw new Malformed("it is a certificate for neither users nor hosts");
  const id = fields.string().toString("utf8");
  const principals = readList(fields.string()).map((principal) => principal.toString("utf8"));
  const validAfter = fields.uint64();
  const validBefore = fields.uint64();
  const criticalOptions = readOptions(fields.string());
  fields.string();
  fields.string();
  const authority = fields.string();
  const signed = fields.before();
  const signature = fields.string();
  if (!fields.isAtEnd) throw new Malformed("something follows the certificate");
  // A certificate as the authority would make a chain, and PROTOCOL.certkeys allows no chains.
  if (isCertificateType(keyType(authority) ?? "")) throw new Malformed("its authority is a certificate");
  const key = writeStrings(kind.type, ...keyFields);
  return {
    ...{ type, plainType: kind.type, key, role, id, serial, principals, validAfter, validBefore },
    ...{ criticalOptions, authority, signed, signature },
  };
}

/** The certified key of a certificate, or a copy of any other key. Throws Malformed for a damaged certificate. */
export function plainKey(blob: Uint8Array): Buffer {
  return isCertificateType(keyType(blob) ?? "") ? parseCertificate(blob).key : Buffer.from(blob);
}

/** Whether the authority's signature is right. Costs a public key operation. */
export function isAuthentic({ authority, signed, signature }: Certificate): boolean {
  return verifySignature(authority, signed, signature);
}

/** Why the certificate is not valid at `nowMs` (`it expired on 2024-05-01T00:00:00Z`); undefined for a valid one. */
export function timeFlaw({ validAfter, validBefore }: Certificate, nowMs: number): string | undefined {
  const now = BigInt(Math.floor(nowMs / 1000));
  if (now < validAfter) return `it is not valid before ${timeText(validAfter)}`;
  return now >= validBefore ? `it expired on ${timeText(validBefore)}` : undefined;
}

/**
 * Why the certificate does not prove that a host is `name` (sshkey.c, sshkey_cert_check_host); undefined when nothing
 * is wrong. Since OpenSSH 10.3 the principals of a host are patterns, and a certificate without any is for no host. The
 * signature is not checked here: isAuthentic does that.
 */
export function hostCertificateFlaw(certificate: Certificate, name: string, nowMs: number): string | undefined {
  const { role, principals, criticalOptions } = certificate;
  if (role !== "host") return "it is for users, not for hosts";
  const flaw = timeFlaw(certificate, nowMs);
  if (flaw !== undefined) return flaw;
  if (principals.length === 0) return "it names no hosts: ssh-keygen -s with -n";
  if (!principals.some((principal) => matchesPattern(name, principal))) {
    return `it is for ${principals.join(", ")}, not for ${name}`;
  }
  const [option] = criticalOptions;
  return option === undefined ? undefined : `it has the critical option ${option.name}, which no host may have`;
}

/** A time of a certificate, as text for people. A time after the year 9999 stands for ever. */
export function timeText(seconds: bigint): string {
  if (seconds > lastSecond) return "the end of time";
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}Z`;
}

const lastSecond = 253_402_300_799n;

const roles: ReadonlyMap<number, Certificate["role"]> = new Map([
  [1, "user"],
  [2, "host"],
]);

/** `fields`: how many strings of the certificate are the certified key. */
const kinds: readonly { readonly type: string; readonly fields: number }[] = [
  { type: "ssh-ed25519", fields: 1 },
  { type: "ssh-rsa", fields: 2 },
  { type: "ecdsa-sha2-nistp256", fields: 2 },
  { type: "ecdsa-sha2-nistp384", fields: 2 },
  { type: "ecdsa-sha2-nistp521", fields: 2 },
  { type: "sk-ssh-ed25519@openssh.com", fields: 2 },
  { type: "sk-ecdsa-sha2-nistp256@openssh.com", fields: 3 },
];

const suffix = "-cert-v01@openssh.com";

function plainTypeOf(type: string): (typeof kinds)[number] | undefined {
  if (!type.endsWith(suffix)) return undefined;
  const stem = type.slice(0, -suffix.length);
  return kinds.find((kind) => kind.type === stem || kind.type === `${stem}@openssh.com`);
}

/** As OpenSSH's SSHKEY_CERT_MAX_PRINCIPALS. */
const mostEntries = 256;

function readList(bytes: Buffer): Buffer[] {
  const fields = new Fields(bytes);
  const list: Buffer[] = [];
  while (!fields.isAtEnd) {
    if (list.length >= mostEntries) throw new Malformed("it has too many entries");
    list.push(fields.string());
  }
  return list;
}

/** Names and values by turns; a value is empty, or a string inside the string. */
function readOptions(bytes: Buffer): Certificate["criticalOptions"] {
  const fields = readList(bytes);
  if (fields.length % 2 === 1) throw new Malformed("it is damaged");
  return fields.flatMap((name, index) => {
    const value = fields[index + 1];
    if (index % 2 === 1 || value === undefined) return [];
    return [{ name: name.toString("utf8"), value: readString(value, 0)?.bytes.toString("utf8") ?? "" }];
  });
}

class Fields {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  string(): Buffer {
    const field = readString(this.#bytes, this.#at);
    if (field === undefined) throw new Malformed("it is damaged");
    this.#at = field.next;
    return field.bytes;
  }

  uint32(): number {
    return this.#take(4).readUInt32BE();
  }

  uint64(): bigint {
    return this.#take(8).readBigUInt64BE();
  }

  /** All bytes that were read so far. */
  before(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  #take(length: number): Buffer {
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    if (bytes.length < length) throw new Malformed("it is damaged");
    this.#at += length;
    return bytes;
  }
}
