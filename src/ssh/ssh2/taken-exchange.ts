/**
 * A key exchange that ssh2 has made and that an algorithm of ours takes over before its first step. The computation is
 * ours; the messages and the hash stay ssh2's.
 */
import type { DiffieHellmanView, ExchangeView } from "./exchange-view.ts";

/** Keys in the form of node:crypto's DiffieHellman, with the public key. */
export interface DiffieHellmanKeys extends DiffieHellmanView {
  readonly publicKey: Buffer;
}

/** For exchanges whose public value is a string of bytes and no number. */
export interface Share {
  readonly share: Buffer;
  /** Computes K from the other side's share. Throws when that share is invalid. */
  secret(otherShare: Buffer): Buffer;
}

export class TakenExchange {
  readonly #exchange: ExchangeView;

  constructor(exchange: ExchangeView) {
    this.#exchange = exchange;
  }

  /** `make` is called when the keys are needed. It returns undefined while they cannot be made. */
  useKeys(make: () => DiffieHellmanKeys | undefined): void {
    const exchange = this.#exchange;
    exchange.generateKeys = () => {
      const keys = exchange._dh === null ? make() : undefined;
      if (keys === undefined) return;
      exchange._dh = keys;
      exchange._public = keys.publicKey;
    };
  }

  /**
   * `take` gets the group that the server has chosen in a group exchange (RFC 4419). An error thrown by `take` ends the
   * handshake.
   */
  onGroup(take: (prime: Buffer, generator: Buffer) => void): void {
    this.#exchange.setDHParams = take;
  }

  /** The hash of this exchange, in place of that of the exchange that ssh2 made. Call this before the secret is known. */
  useHash(name: "sha256" | "sha512"): void {
    this.#exchange.hashName = name;
  }

  /** `make` may take its time: the other side sends nothing until it has our share. */
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

/** Marks an error as ssh2 does for an error that ends the handshake. */
export function handshakeError(error: Error): Error {
  return Object.assign(error, { level: "handshake" });
}
