/**
 * Adds host certificates to the key exchange of ssh2 1.17.0, which knows none. Their algorithms are offered, the
 * exchange hash covers the certificate, and the key inside the certificate checks the server's signature. The host key
 * check gets the whole certificate and decides whether to believe it.
 */
import { parseCertificate } from "../../codec/keys/certificate.ts";
import { messageOf } from "../../text/error-message.ts";
import type { ExchangeView, ListView, OfferView, OneWay } from "./exchange-view.ts";
import type { ExchangeWatch } from "./exchange-watch.ts";
import type { ProtocolView } from "./view.ts";

/**
 * Offers exactly these host key algorithms, which may include certificates. Call this before the first key exchange.
 */
export function offerHostKeys(protocol: Pick<ProtocolView, "_offer">, algorithms: readonly string[]): void {
  const { kex, cs, sc } = protocol._offer.lists;
  const KexInit = protocol._offer.constructor as new (lists: OfferedLists) => OfferView;
  protocol._offer = new KexInit({ kex: kex.array, serverHostKey: algorithms, cs: oneWay(cs), sc: oneWay(sc) });
}

/** Prepares each exchange that agrees on a certificate. */
export function readCertificates(exchanges: ExchangeWatch): void {
  exchanges.onMade((exchange) => {
    if (exchange.negotiated.serverHostKey.includes("-cert-")) readCertificate(exchange);
  });
}

interface OfferedLists {
  readonly kex: readonly string[];
  readonly serverHostKey: readonly string[];
  readonly cs: OneWay<readonly string[]>;
  readonly sc: OneWay<readonly string[]>;
}

function oneWay({ cipher, mac, compress, lang }: OneWay<ListView>): OneWay<readonly string[]> {
  return { cipher: cipher.array, mac: mac.array, compress: compress.array, lang: lang.array };
}

/**
 * ssh2's kex.js treats a host key in this order. First it compares the key's type with the agreed algorithm, has the
 * key verified, and hashes the key. Then it reads the signature, compares the signature's algorithm, and checks the
 * signature with the key. So the algorithm is at first the certificate's type; at the first read of the signature, the
 * algorithm and the key become the plain ones. If ssh2 had another order, the hash or the check would fail and the
 * connection would end; nothing would be believed unchecked.
 */
function readCertificate(exchange: ExchangeView): void {
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

function plainAlgorithm(name: string): string {
  return name.replace(/-cert-v01@openssh\.com$/, "");
}

function certifiedKey(certificate: Buffer): Buffer {
  try {
    return parseCertificate(certificate).key;
  } catch (error) {
    throw new Error(`the host certificate is wrong: ${messageOf(error)}`);
  }
}
