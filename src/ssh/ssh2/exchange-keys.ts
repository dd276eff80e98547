/**
 * The secrets of a key exchange, with which a capture can be read later (Wireshark's SSHKEYLOGFILE). They are told once
 * the secret is known, and only to code that asks.
 */
import type { ExchangeView } from "./exchange-view.ts";
import type { ExchangeWatch } from "./exchange-watch.ts";

export interface ExchangeKeys {
  /** Such as `curve25519-sha256`. */
  readonly name: string;
  /** The 16 random bytes of the client's KEXINIT (RFC 4253, section 7.1). A capture finds the exchange by them. */
  readonly cookie: Uint8Array;
  /**
   * K as it is hashed, without the length in front: a string in a hybrid exchange, otherwise an mpint (RFC 4251,
   * section 5).
   */
  readonly secret: Uint8Array;
  /** Our private key of this one exchange. Undefined in a hybrid exchange, which has two. */
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
