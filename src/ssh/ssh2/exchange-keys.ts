/**
 * What a key exchange has come to, for whoever wants to read a capture of it later (SSHKEYLOGFILE of Wireshark): told once the
 * secret is known, and only where somebody asks.
 */
import type { ExchangeView } from "./exchange-view.ts";
import type { ExchangeWatch } from "./exchange-watch.ts";

export interface ExchangeKeys {
  /** `curve25519-sha256`. */
  readonly name: string;
  /** The 16 bytes of the client's KEXINIT by which a capture finds the exchange (RFC 4253, section 7.1). */
  readonly cookie: Uint8Array;
  /** K as it is hashed, without the length in front: of a hybrid exchange a string, else an mpint (RFC 4251, section 5). */
  readonly secret: Uint8Array;
  /** Our private key of this one exchange; undefined where there are two of them, as in a hybrid one. */
  readonly ephemeralKey: Uint8Array | undefined;
}

export function watchKeys(exchanges: ExchangeWatch, told: (keys: ExchangeKeys) => void): void {
  exchanges.onMade((exchange) => {
    const compute = exchange.computeSecret;
    exchange.computeSecret = (otherPublicKey) => {
      const secret = compute.call(exchange, otherPublicKey);
      if (!(secret instanceof Error)) told(keysOf(exchange, secret));
      return secret;
    };
  });
}

function keysOf(exchange: ExchangeView, secret: Uint8Array): ExchangeKeys {
  const { _protocol: protocol, negotiated } = exchange;
  const clients = protocol._server ? exchange._remoteKexinit : exchange._kexinit;
  return {
    name: negotiated.kex,
    cookie: Uint8Array.from(clients.subarray(1, 1 + cookieBytes)),
    secret: Uint8Array.from(secret),
    ephemeralKey: ephemeralKeyOf(exchange),
  };
}

const cookieBytes = 16;

function ephemeralKeyOf({ _dh: key, _keys: pair }: ExchangeView): Uint8Array | undefined {
  if (key !== null) return key.getPrivateKey();
  const jwk = pair?.privateKey.export({ format: "jwk" });
  return jwk?.d === undefined ? undefined : Buffer.from(jwk.d, "base64url");
}
