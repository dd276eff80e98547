/**
 * The algorithms that a session offers. The lists are ssh2's own, in porthop's order of preference, less what the
 * runtime underneath cannot do or does badly.
 */
import { getCiphers } from "node:crypto";
import type { Algorithms } from "ssh2";
import { quoted } from "../codec/terminal-text.ts";
import { PorthopError } from "../errors.ts";

export interface AlgorithmWishes {
  /** `-c` and Ciphers: a comma list; undefined for porthop's own. */
  readonly ciphers?: string | undefined;
  /** `-m` and MACs. */
  readonly macs?: string | undefined;
  /** KexAlgorithms. */
  readonly kex?: string | undefined;
  /** HostKeyAlgorithms in order of preference: the types that known_hosts has come first. */
  readonly hostKeys?: readonly string[] | undefined;
  readonly compression?: boolean | undefined;
}

export function sessionAlgorithms(wishes: AlgorithmWishes): Algorithms {
  return {
    cipher: choose("cipher", wishes.ciphers, ciphers()) as NonNullable<Algorithms["cipher"]>,
    hmac: choose("MAC", wishes.macs, macs) as NonNullable<Algorithms["hmac"]>,
    kex: choose("key exchange", wishes.kex, keyExchanges()) as NonNullable<Algorithms["kex"]>,
    serverHostKey: hostKeyOrder(wishes.hostKeys) as NonNullable<Algorithms["serverHostKey"]>,
    compress: wishes.compression === true && !isDeno ? ["zlib@openssh.com", "none"] : ["none"],
  };
}

const isDeno = "deno" in process.versions;

/** Under Deno AES-GCM takes 138 us for 32 KiB where chacha20 takes 21; under Bun there is no chacha20 (platform facts). */
function ciphers(): readonly string[] {
  const gcm = ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com"];
  const ctr = ["aes128-ctr", "aes192-ctr", "aes256-ctr"];
  const chacha = getCiphers().includes("chacha20") ? ["chacha20-poly1305@openssh.com"] : [];
  return isDeno ? [...chacha, ...ctr, ...gcm] : [...gcm, ...ctr, ...chacha];
}

const macs: readonly string[] = [
  "hmac-sha2-256-etm@openssh.com",
  "hmac-sha2-512-etm@openssh.com",
  "hmac-sha2-256",
  "hmac-sha2-512",
  "hmac-sha1-etm@openssh.com",
  "hmac-sha1",
];

/** Under Bun the plain Diffie-Hellman groups block the event loop for seconds: they come last. Under Deno nistp521 fails. */
function keyExchanges(): readonly string[] {
  return [
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    ...(isDeno ? [] : ["ecdh-sha2-nistp521"]),
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
  ];
}

const hostKeyTypes: readonly string[] = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-512",
  "rsa-sha2-256",
  "ssh-rsa",
];

function hostKeyOrder(preferred: readonly string[] | undefined): readonly string[] {
  const first = (preferred ?? []).filter((type) => hostKeyTypes.includes(type));
  return [...first, ...hostKeyTypes.filter((type) => !first.includes(type))];
}

function choose(what: string, wish: string | undefined, own: readonly string[]): readonly string[] {
  if (wish === undefined) return own;
  const names = wish.split(",").map((name) => name.trim());
  const unknown = names.filter((name) => !own.includes(name));
  if (unknown.length > 0 || names.length === 0) {
    throw new PorthopError("config.invalid", `porthop has no ${what} ${quoted(unknown[0] ?? "")}`, {
      hint: `it has ${own.join(", ")}`,
    });
  }
  return names;
}
