/**
 * The known_hosts file (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): parses entries, matches
 * them with a host, and prints the line for a new key. A line that cannot be read is
 * reported by its number; all other lines count (OpenSSH, hostfile.c).
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { quoted } from "../../text/terminal-text.ts";
import { matchPatterns } from "../host-pattern.ts";
import { Malformed } from "../malformed.ts";
import { plainKey } from "./certificate.ts";
import { keyType } from "./fingerprint.ts";

export interface KnownHost {
  /** Counted from 1. */
  readonly line: number;
  /** `revoked`: never accept this key. `cert-authority`: the key signs host keys and is no host key itself. */
  readonly marker: "revoked" | "cert-authority" | undefined;
  /** The hosts as they are written: names, patterns or one hash. */
  readonly hosts: string;
  /** Type and blob as written: the line may hold a certificate. */
  readonly type: string;
  readonly blob: Buffer;
  /** The plain key: for a certificate, the certified key. Nothing else of the certificate is checked. */
  readonly key: Buffer;
}

export interface UnreadableLine {
  readonly line: number;
  readonly reason: string;
}

export interface KnownHosts {
  readonly entries: readonly KnownHost[];
  readonly unreadable: readonly UnreadableLine[];
}

export function parseKnownHosts(text: string): KnownHosts {
  const entries: KnownHost[] = [];
  const unreadable: UnreadableLine[] = [];
  let line = 0;
  for (const raw of text.split("\n")) {
    line++;
    const trimmed = raw.replace(/\r$/, "").replace(/^[ \t]+/, "");
    if (trimmed === "" || trimmed.startsWith("#")) continue;
    try {
      entries.push(parseLine(trimmed, line));
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      unreadable.push({ line, reason: error.message });
    }
  }
  return { entries, unreadable };
}

/**
 * The name under which known_hosts lists a host: `host`, or `[host]:port` when the port is not 22. Always lower case.
 */
export function knownHostName(host: string, port: number): string {
  const name = host.toLowerCase();
  return port === defaultPort ? name : `[${name}]:${port}`;
}

/** Whether an entry is about the host `name`, which `knownHostName` made. */
export function matchesHost(entry: KnownHost, name: string): boolean {
  if (!entry.hosts.startsWith(hashMark)) {
    return matchPatterns(name, entry.hosts.toLowerCase().split(",")) === "matched";
  }
  const hashed = parseHash(entry.hosts);
  return hashed !== undefined && timingSafeEqual(hashed.hash, hashName(name, hashed.salt));
}

export interface NewKnownHost {
  /** The name that `knownHostName` made. */
  readonly name: string;
  readonly blob: Uint8Array;
  /** 20 random bytes. With a salt, the name is written hashed (HashKnownHosts). */
  readonly salt?: Uint8Array | undefined;
}

/** The line that adds a key, without a line end. Throws Malformed for a blob that is no key and for an unsafe name. */
export function formatKnownHost(host: NewKnownHost): string {
  const type = keyType(host.blob);
  if (type === undefined) throw new Malformed("this is not a public key");
  const key = `${type} ${Buffer.from(host.blob).toString("base64")}`;
  if (host.salt !== undefined) {
    const hash = hashName(host.name, host.salt).toString("base64");
    return `${hashMark}1|${Buffer.from(host.salt).toString("base64")}|${hash} ${key}`;
  }
  // A star, a comma or a blank in the name would make the line match other hosts too.
  if (!/^[^\s,*?!@#|\p{Cc}][^\s,*?!\p{Cc}]*$/u.test(host.name)) {
    throw new Malformed(`${quoted(host.name)} cannot stand in known_hosts as a plain name`);
  }
  return `${host.name} ${key}`;
}

const defaultPort = 22;
const hashMark = "|";
const hashLength = 20;

function parseLine(text: string, line: number): KnownHost {
  const fields = text.split(/[ \t]+/, 5);
  const marker = parseMarker(fields);
  const [hosts = "", type = "", base64 = ""] = fields;
  if (type === "" || type.startsWith("#") || base64 === "") throw new Malformed("it has no key");
  if (hosts.startsWith(hashMark) && parseHash(hosts) === undefined) throw new Malformed("its hashed name is damaged");
  const blob = decodeBase64(base64);
  if (blob === undefined) throw new Malformed("its key is not base64");
  const inside = keyType(blob);
  if (inside === undefined) throw new Malformed("its key is damaged");
  if (inside !== type) throw new Malformed(`it says ${quoted(type)} of a key that is ${quoted(inside)}`);
  return { line, marker, hosts, type, blob, key: plainKey(blob) };
}

/** Takes the marker off the front of the fields. */
function parseMarker(fields: string[]): KnownHost["marker"] {
  if (fields[0]?.startsWith("@") !== true) return undefined;
  const word = fields.shift();
  if (fields[0]?.startsWith("@") === true) throw new Malformed("it has more than one marker");
  if (word === "@revoked") return "revoked";
  if (word === "@cert-authority") return "cert-authority";
  throw new Malformed(`${quoted(word ?? "")} is not a marker`);
}

/** `|1|salt|hash`: HMAC-SHA1 of the name, keyed with the salt. */
function parseHash(hosts: string): { salt: Buffer; hash: Buffer } | undefined {
  const [before, version, salt64, hash64, ...more] = hosts.split(hashMark);
  if (before !== "" || version !== "1" || more.length > 0) return undefined;
  const salt = decodeBase64(salt64 ?? "");
  const hash = decodeBase64(hash64 ?? "");
  return salt?.length === hashLength && hash?.length === hashLength ? { salt, hash } : undefined;
}

function hashName(name: string, salt: Uint8Array): Buffer {
  return createHmac("sha1", salt).update(name).digest();
}

/** Node's decoder skips characters that are not base64: then two different texts would give one key. */
function decodeBase64(text: string): Buffer | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  return Buffer.from(text, "base64");
}
