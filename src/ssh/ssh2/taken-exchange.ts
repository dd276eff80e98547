/**
 * A key exchange that ssh2 has made and that an algorithm of our own takes over before its first step: what it computes with
 * is ours, what is sent and hashed stays ssh2's.
 */
import type { DiffieHellmanView, ExchangeView } from "./exchange-view.ts";

/** Keys of node:crypto's form, with the public one. */
export interface DiffieHellmanKeys extends DiffieHellmanView {
  readonly publicKey: Buffer;
}

/** What two sides exchange that no number is. */
export interface Share {
  readonly share: Buffer;
  /** K from the other side's share. Throws when that is none. */
  secret(otherShare: Buffer): Buffer;
}

export class TakenExchange {
  readonly #exchange: ExchangeView;

  constructor(exchange: ExchangeView) {
    this.#exchange = exchange;
  }

  /** Makes the keys when they are wanted; undefined for as long as they cannot be made. */
  useKeys(make: () => DiffieHellmanKeys | undefined): void {
    const exchange = this.#exchange;
    exchange.generateKeys = () => {
      const keys = exchange._dh === null ? make() : undefined;
      if (keys === undefined) return;
      exchange._dh = keys;
      exchange._public = keys.publicKey;
    };
  }

  /** Of a group exchange (RFC 4419): what the server has chosen. What `take` throws ends the handshake. */
  onGroup(take: (prime: Buffer, generator: Buffer) => void): void {
    this.#exchange.setDHParams = take;
  }

  /** The other side has nothing to say until it has our share, so the share may take its time. */
  useShare(make: () => Promise<Share>): void {
    const exchange = this.#exchange;
    let ours: Share | undefined;
    const { start } = exchange;
    exchange.generateKeys = () => {};
    exchange.getPublicKey = () => ours?.share ?? Buffer.alloc(0);
    exchange.convertPublicKey = (key) => key;
    exchange.computeSecret = (otherShare) => {
      try {
        if (ours === undefined) throw new Error("the server answers before it was asked");
        return ours.secret(otherShare);
      } catch (error) {
        return error instanceof Error ? error : new Error(String(error));
      }
    };
    exchange.start = () => {
      make()
        .then((share) => {
          ours = share;
          start.call(exchange);
        })
        .catch((error: Error) => exchange._protocol._onError(handshakeError(error)));
    };
  }
}

/** An error as ssh2 makes them: it ends the handshake. */
export function handshakeError(error: Error): Error {
  return Object.assign(error, { level: "handshake" });
}
