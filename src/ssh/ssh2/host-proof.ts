/**
 * The proof that a session's first key exchange was made with the server's host key: the key, and its signature of the
 * exchange hash. ssh2 forgets both at the end of the exchange, so they are kept here.
 */
import type { SessionBinding } from "../../codec/session/session-bind.ts";
import type { ExchangeWatch } from "./exchange-watch.ts";

type Proof = Pick<SessionBinding, "hostKey" | "signature">;

/**
 * Returns a function that gives the proof; undefined before the server has sent it. Call this after readCertificates
 * (host-offer.ts): both look at the same field, and a certificate is kept as it came.
 */
export function keepProof(exchanges: ExchangeWatch): () => Proof | undefined {
  let proof: Proof | undefined;
  exchanges.onMade((exchange) => {
    // Only the first exchange is made without an identifier of the session.
    if (exchange.sessionID !== undefined) return;
    const before = Object.getOwnPropertyDescriptor(exchange, "_sig");
    let signature = exchange._sig;
    Object.defineProperty(exchange, "_sig", {
      configurable: true,
      get: () => (before?.get === undefined ? signature : before.get.call(exchange)),
      // ssh2 stores the host key, then the signature (kex.js, parse). At the end it clears both.
      set: (bytes: Buffer | undefined) => {
        if (bytes !== undefined) proof ??= { hostKey: Buffer.from(exchange._hostKey), signature: Buffer.from(bytes) };
        if (before?.set === undefined) signature = bytes;
        else before.set.call(exchange, bytes);
      },
    });
  });
  return () => proof;
}
