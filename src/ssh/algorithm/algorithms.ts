/**
 * The algorithms that a session offers. The start is porthop's own list in order of preference. The user's lists change
 * that list. Algorithms that the runtime does not have, or computes badly, are left out.
 */
import { getCiphers, getHashes } from "node:crypto";
import type { Algorithms } from "ssh2";
import {
  type AlgorithmChoice,
  type AlgorithmStock,
  chooseAlgorithms,
  parseAlgorithmList,
} from "../../codec/config/algorithm-list.ts";
import { algorithmNouns } from "../../codec/config/openssh-algorithms.ts";
import { Malformed } from "../../codec/malformed.ts";
import { PorthopError } from "../../errors.ts";
import { quoted } from "../../text/terminal-text.ts";
import { flawOf } from "../ssh2/extension.ts";
import { chacha20Poly1305 } from "./chacha20.ts";
import { hostCertificateAlgorithms, hostKeyAlgorithms } from "./host-key-algorithms.ts";
import { hybridExchanges } from "./hybrid-exchange.ts";
import { readableFirst } from "./readable-algorithms.ts";

/** The user's lists are the text of ssh_config(5); undefined for porthop's own. */
export interface AlgorithmWishes {
  /** `-c` and Ciphers. */
  readonly ciphers?: string | undefined;
  /** `-m` and MACs. */
  readonly macs?: string | undefined;
  /** KexAlgorithms. */
  readonly kex?: string | undefined;
  /** HostKeyAlgorithms. */
  readonly hostKeyAlgorithms?: string | undefined;
  /** The host key algorithms that known_hosts has keys for, best first. */
  readonly hostKeys?: readonly string[] | undefined;
  readonly compression?: boolean | undefined;
  /** Whether somebody asks for the session's keys, to read a recording of it. */
  readonly isRecorded?: boolean | undefined;
}

/** Throws `config.invalid` when a list has a name that OpenSSH does not know, or when a list leaves no algorithm. */
export function sessionAlgorithms(wishes: AlgorithmWishes): Algorithms {
  const inOrder = (names: readonly string[]) => (wishes.isRecorded === true ? readableFirst(names) : names);
  const compress = wishes.compression === true && !isDeno ? ["zlib@openssh.com", "none"] : ["none"];
  return {
    cipher: inOrder(chosen("cipher", wishes).names) as NonNullable<Algorithms["cipher"]>,
    hmac: chosen("mac", wishes).names as NonNullable<Algorithms["hmac"]>,
    kex: inOrder(chosen("kex", wishes).names) as NonNullable<Algorithms["kex"]>,
    serverHostKey: plainOffer(wishes) as NonNullable<Algorithms["serverHostKey"]>,
    compress: inOrder(compress) as NonNullable<Algorithms["compress"]>,
  };
}

/**
 * What the user's lists ask for and porthop does not have: one line for each list. Throws as `sessionAlgorithms` does.
 */
export function lackingAlgorithms(wishes: AlgorithmWishes): readonly string[] {
  const compression = wishes.compression === true && isDeno ? ["Compression: porthop has none under Deno"] : [];
  const lists = kinds.flatMap((kind) => {
    const { lacking } = chosen(kind, wishes);
    const names = lacking.map((name) => (flawOf(name) === undefined ? name : `${name} (${flawOf(name)})`));
    return names.length === 0 ? [] : [`${keywordOf[kind]}: porthop does not have ${names.join(", ")}`];
  });
  return [...lists, ...compression];
}

const kinds = ["cipher", "mac", "kex", "hostKey"] as const;
type NegotiatedKind = (typeof kinds)[number];

const keywordOf: Readonly<Record<NegotiatedKind, string>> = {
  cipher: "Ciphers",
  mac: "MACs",
  kex: "KexAlgorithms",
  hostKey: "HostKeyAlgorithms",
};

const isDeno = "deno" in process.versions;

function chosen(kind: NegotiatedKind, wishes: AlgorithmWishes): AlgorithmChoice {
  const { ciphers, macs, kex, hostKeyAlgorithms } = wishes;
  const text = { cipher: ciphers, mac: macs, kex, hostKey: hostKeyAlgorithms }[kind];
  const stock = stockOf(kind);
  const choice = chooseAlgorithms(text === undefined ? undefined : readList(kind, text, stock), stock);
  if (choice.names.length > 0) return choice;
  throw new PorthopError(
    "config.invalid",
    `${keywordOf[kind]} ${quoted(text ?? "")} leaves no ${algorithmNouns[kind]}`,
    {
      hint: `porthop has ${stock.available.join(", ")}`,
    },
  );
}

function readList(kind: NegotiatedKind, text: string, stock: AlgorithmStock) {
  try {
    return parseAlgorithmList(kind, text);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new PorthopError("config.invalid", `${keywordOf[kind]}: ${error.message}`, {
      hint: `porthop has ${stock.available.join(", ")}`,
      cause: error,
    });
  }
}

/**
 * The host key algorithms to offer, with certificates, best first. The order is that of sshconnect2.c, ssh_kex2: a full
 * list of the user keeps its order. Without such a list, certificates come first when known_hosts trusts an authority
 * for the host; else the algorithms of the known keys come first.
 */
export function hostKeyOffer(wishes: AlgorithmWishes, hasAuthority: boolean): readonly string[] {
  const { names } = chosen("hostKey", wishes);
  const { hostKeyAlgorithms: text, hostKeys: known = [] } = wishes;
  if (text !== undefined && !/^[+-]/.test(text)) return names;
  const certificates = names.filter(isCertificate);
  const plain = names.filter((name) => !isCertificate(name));
  const first = known.filter((name) => plain.includes(name));
  const ordered = [...first, ...plain.filter((name) => !first.includes(name))];
  return hasAuthority ? [...certificates, ...ordered] : [...ordered, ...certificates];
}

/**
 * ssh2 knows no certificates, and needs at least one algorithm. When only certificates are left, ssh2 is given the
 * plain names of these algorithms; host-offer.ts puts the certificates into the offer later.
 */
function plainOffer(wishes: AlgorithmWishes): readonly string[] {
  const names = hostKeyOffer(wishes, false);
  const plain = names.filter((name) => !isCertificate(name));
  return plain.length > 0 ? plain : names.map((name) => name.replace(/-cert-.*$/, ""));
}

function isCertificate(name: string): boolean {
  return name.includes("-cert-");
}

function stockOf(kind: NegotiatedKind): AlgorithmStock {
  const { defaults, more } = { cipher: ciphers, mac: macs, kex: keyExchanges, hostKey: hostKeys }[kind]();
  const usable = (name: string) => flawOf(name) === undefined;
  return { defaults: defaults.filter(usable), available: [...defaults, ...more].filter(usable) };
}

interface Offer {
  /** Best first. */
  readonly defaults: readonly string[];
  /** Old and weak, or rare. The user gets one of these only by asking for it. */
  readonly more: readonly string[];
}

/**
 * The order depends on the speed of the runtime. For 32 KiB, Deno needs 138 us with AES-GCM and 21 us with chacha20.
 * Bun needs 4 us with AES-GCM, and computes chacha20 in JavaScript.
 */
function ciphers(): Offer {
  const gcm = ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com"];
  const ctr = ["aes128-ctr", "aes192-ctr", "aes256-ctr"];
  const runtimes = getCiphers();
  const old = oldCiphers.filter(([, inRuntime]) => runtimes.includes(inRuntime)).map(([name]) => name);
  return { defaults: isDeno ? [chacha20Poly1305, ...ctr, ...gcm] : [...gcm, ...ctr, chacha20Poly1305], more: old };
}

/** Each with the name that OpenSSL gives to the cipher. */
const oldCiphers = [
  ["aes128-cbc", "aes-128-cbc"],
  ["aes192-cbc", "aes-192-cbc"],
  ["aes256-cbc", "aes-256-cbc"],
  ["3des-cbc", "des-ede3-cbc"],
] as const;

/**
 * What ssh offers (myproposal.h). ssh prefers umac, which is the fastest there. Here it is computed in JavaScript, and
 * SHA-2 is faster. The encrypt-then-mac forms come first, as in ssh.
 */
function macs(): Offer {
  const old = ["hmac-sha1-96", ...(getHashes().includes("md5") ? ["hmac-md5", "hmac-md5-96"] : [])];
  return {
    defaults: [
      "hmac-sha2-256-etm@openssh.com",
      "hmac-sha2-512-etm@openssh.com",
      "umac-64-etm@openssh.com",
      "umac-128-etm@openssh.com",
      "hmac-sha1-etm@openssh.com",
      "hmac-sha2-256",
      "hmac-sha2-512",
      "umac-64@openssh.com",
      "umac-128@openssh.com",
      "hmac-sha1",
    ],
    more: [...old, ...old.map((name) => `${name}-etm@openssh.com`)],
  };
}

/** As OpenSSH 10 does, the post-quantum ones first: what is recorded today may be broken later. nistp521 fails under Deno. */
function keyExchanges(): Offer {
  return {
    defaults: [
      ...hybridExchanges.keys(),
      "curve25519-sha256",
      "curve25519-sha256@libssh.org",
      "ecdh-sha2-nistp256",
      "ecdh-sha2-nistp384",
      ...(isDeno ? [] : ["ecdh-sha2-nistp521"]),
      "diffie-hellman-group-exchange-sha256",
      "diffie-hellman-group14-sha256",
      "diffie-hellman-group16-sha512",
      "diffie-hellman-group18-sha512",
    ],
    more: [
      "diffie-hellman-group15-sha512",
      "diffie-hellman-group17-sha512",
      "diffie-hellman-group-exchange-sha1",
      "diffie-hellman-group14-sha1",
      "diffie-hellman-group1-sha1",
    ],
  };
}

/** ssh-rsa is RSA with SHA-1. As with ssh since 8.8, the user gets ssh-rsa only by asking for it. */
function hostKeys(): Offer {
  return {
    defaults: [...hostCertificateAlgorithms, ...hostKeyAlgorithms],
    more: ["ssh-rsa", "ssh-dss"],
  };
}
