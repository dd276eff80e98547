/**
 * Host certificates in the key exchange of ssh2 1.17.0, which knows none: their algorithms are offered, the exchange hash
 * is made over the certificate, and the server's signature is checked with the key inside of it. Whether that
 * certificate is to be believed is for the host key check, which is handed it whole.
 */
import type { Client } from "ssh2";
import { parseCertificate } from "../../codec/keys/certificate.ts";

/** The algorithms with which a host's plain key signs, in order of preference. */
export const hostKeyAlgorithms: readonly string[] = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-512",
  "rsa-sha2-256",
];

/** The same for its certificates. */
export const hostCertificateAlgorithms: readonly string[] = hostKeyAlgorithms.map(
  (plain) => `${plain}-cert-v01@openssh.com`,
);

/**
 * Offers exactly these host key algorithms, certificates among them. Call it right after `client.connect`. False when
 * ssh2 looks different inside: then it offers the plain keys that it was told of.
 */
export function offerHostCertificates(client: Client, algorithms: readonly string[]): boolean {
  const { _protocol: protocol } = client as unknown as { _protocol?: Partial<ProtocolInternals> };
  const lists = protocol?._offer?.lists;
  if (protocol === undefined || !isKnown(protocol) || lists === undefined) return false;
  const KexInit = protocol._offer.constructor as new (lists: OfferedLists) => Offer;
  protocol._offer = new KexInit({
    kex: lists.kex.array,
    serverHostKey: algorithms,
    cs: oneWay(lists.cs),
    sc: oneWay(lists.sc),
  });
  watchExchanges(protocol);
  return true;
}

function plainAlgorithm(name: string): string {
  return name.replace(/-cert-v01@openssh\.com$/, "");
}

/** Each key exchange is an object of its own, put into `_kex` once the algorithms are agreed on. */
function watchExchanges(protocol: ProtocolInternals): void {
  const before = Object.getOwnPropertyDescriptor(protocol, "_kex");
  let current = protocol._kex;
  Object.defineProperty(protocol, "_kex", {
    configurable: true,
    enumerable: true,
    get: () => current,
    set: (exchange: Exchange | undefined) => {
      current = exchange;
      before?.set?.call(protocol, exchange);
      if (exchange?.negotiated.serverHostKey.includes("-cert-") === true) readCertificate(exchange);
    },
  });
}

/**
 * What ssh2's kex.js does with a host key, in its order: compares the key's type with the algorithm agreed on, has the key
 * verified, hashes it, and then, from the signature on, compares the signature's algorithm and checks it with the key. So
 * the algorithm is first the certificate's type; and when the signature is looked at, everything is the plain key's. Were
 * the order another one, the hash or the check would fail, and the connection with it: nothing would be believed unseen.
 */
function readCertificate(exchange: Exchange): void {
  const algorithm = plainAlgorithm(exchange.negotiated.serverHostKey);
  const isRsa = algorithm.startsWith("rsa-");
  exchange.negotiated.serverHostKey = `${isRsa ? "ssh-rsa" : algorithm}-cert-v01@openssh.com`;
  let signature: Buffer | undefined;
  let reads = 0;
  Object.defineProperty(exchange, "_sig", {
    configurable: true,
    get: () => {
      if (signature !== undefined && reads++ === 0) {
        exchange.negotiated.serverHostKey = algorithm;
        exchange._hostKey = certifiedKey(exchange._hostKey);
      }
      return signature;
    },
    set: (bytes: Buffer | undefined) => {
      signature = bytes;
    },
  });
}

function certifiedKey(certificate: Buffer): Buffer {
  try {
    return parseCertificate(certificate).key;
  } catch (error) {
    throw new Error(`the host certificate is wrong: ${error instanceof Error ? error.message : String(error)}`);
  }
}

interface OfferedLists {
  readonly kex: readonly string[];
  readonly serverHostKey: readonly string[];
  readonly cs: OneWay<readonly string[]>;
  readonly sc: OneWay<readonly string[]>;
}

interface OneWay<T> {
  readonly cipher: T;
  readonly mac: T;
  readonly compress: T;
  readonly lang: T;
}

interface List {
  readonly array: readonly string[];
}

interface Offer {
  readonly lists: {
    readonly kex: List;
    readonly serverHostKey: List;
    readonly cs: OneWay<List>;
    readonly sc: OneWay<List>;
  };
}

interface Exchange {
  readonly negotiated: { serverHostKey: string };
  _hostKey: Buffer;
  _sig: Buffer | undefined;
}

/** What ssh2's types do not show (ssh2 1.17.0, lib/protocol/Protocol.js and kex.js). */
interface ProtocolInternals {
  _offer: Offer;
  _kex: Exchange | undefined;
}

function isKnown(protocol: Partial<ProtocolInternals>): protocol is ProtocolInternals {
  const lists = protocol._offer?.lists;
  const parts = [
    lists?.kex,
    lists?.serverHostKey,
    ...Object.values(lists?.cs ?? {}),
    ...Object.values(lists?.sc ?? {}),
  ];
  const all = parts.length === 10 && parts.every((part) => Array.isArray((part as List | undefined)?.array));
  return all && "_kex" in protocol && protocol._kex === undefined;
}

function oneWay({ cipher, mac, compress, lang }: OneWay<List>): OneWay<readonly string[]> {
  return { cipher: cipher.array, mac: mac.array, compress: compress.array, lang: lang.array };
}
