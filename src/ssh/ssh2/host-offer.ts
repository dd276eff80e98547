/**
 * Host certificates in the key exchange of ssh2 1.17.0, which knows none: their algorithms are offered, the exchange hash
 * is made over the certificate, and the server's signature is checked with the key inside of it. Whether that
 * certificate is to be believed is for the host key check, which is handed it whole.
 */
import { parseCertificate } from "../../codec/keys/certificate.ts";
import type { ExchangeView, ListView, OfferView, OneWay } from "./exchange-view.ts";
import type { ExchangeWatch } from "./exchange-watch.ts";
import type { ProtocolView } from "./view.ts";

/** Offers exactly these host key algorithms, certificates among them. Call it before the first key exchange. */
export function offerHostKeys(protocol: Pick<ProtocolView, "_offer">, algorithms: readonly string[]): void {
  const { kex, cs, sc } = protocol._offer.lists;
  const KexInit = protocol._offer.constructor as new (lists: OfferedLists) => OfferView;
  protocol._offer = new KexInit({ kex: kex.array, serverHostKey: algorithms, cs: oneWay(cs), sc: oneWay(sc) });
}

/** Has exchanges that agree on a certificate read it. */
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
 * What ssh2's kex.js does with a host key, in its order: compares the key's type with the algorithm agreed on, has the key
 * verified, hashes it, and then, from the signature on, compares the signature's algorithm and checks it with the key. So
 * the algorithm is first the certificate's type; and when the signature is looked at, everything is the plain key's. Were
 * the order another one, the hash or the check would fail, and the connection with it: nothing would be believed unseen.
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
    throw new Error(`the host certificate is wrong: ${error instanceof Error ? error.message : String(error)}`);
  }
}
