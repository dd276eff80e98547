/**
 * What porthop touches of ssh2 1.17.0's key exchange (lib/protocol/kex.js, and the parts of Protocol.js that it works on),
 * for clients and for servers: the second half of view.ts.
 */

/** One that ssh2 makes (KeyExchange and those that extend it). */
export interface ExchangeView {
  readonly negotiated: { kex: string; serverHostKey: string };
  readonly sessionID: Buffer;
  readonly _protocol: ExchangingView;
  /** Our own KEXINIT and the other side's. */
  readonly _kexinit: Buffer;
  _remoteKexinit: Buffer;
  /** Our keys, where they have the form of node:crypto's Diffie-Hellman, and the public one. */
  _dh: DiffieHellmanView | null;
  _public: Buffer | null;
  /** Our keys of an X25519 exchange. */
  readonly _keys?: { readonly privateKey: import("node:crypto").KeyObject } | null;
  _hostKey: Buffer;
  _sig: Buffer | undefined;
  start(): void;
  generateKeys(): void;
  getPublicKey(): Buffer;
  convertPublicKey(key: Buffer): Buffer;
  /** K, big endian, hashed as a string; an error ends the handshake. */
  computeSecret(otherPublicKey: Buffer): Buffer | Error;
  /** Of a group exchange: what the server chose. */
  setDHParams?(prime: Buffer, generator: Buffer): void;
}

/** What ssh2 wants of node:crypto's DiffieHellman. */
export interface DiffieHellmanView {
  computeSecret(otherPublicKey: Uint8Array): Buffer;
  getPrivateKey(): Buffer;
  /** Of a group exchange: hashed with the rest. */
  getPrime?(): Buffer;
  getGenerator?(): Buffer;
}

/** The protocol of either side, as far as a key exchange works on it. */
export interface ExchangingView {
  readonly _server: boolean;
  readonly _offer?: { readonly lists: { readonly kex: { array: readonly string[] } } };
  _kex?: ExchangeView | undefined;
  _onError: (error: Error) => void;
  readonly _debug?: ((text: string) => void) | undefined;
}

/** What is offered in our KEXINIT. Another one is made with its constructor, of plain lists. */
export interface OfferView {
  readonly lists: {
    readonly kex: ListView;
    readonly serverHostKey: ListView;
    readonly cs: OneWay<ListView>;
    readonly sc: OneWay<ListView>;
  };
}

export interface OneWay<T> {
  readonly cipher: T;
  readonly mac: T;
  readonly compress: T;
  readonly lang: T;
}

export interface ListView {
  array: readonly string[];
}

/** What lib/protocol/kex.js exports. Protocol.js and handlers.js take these when they are loaded: change them before that. */
export interface KexModule {
  onKEXPayload: (this: ExchangingView, state: { readonly firstPacket: boolean }, payload: Buffer) => unknown;
  readonly HANDLERS: { [type: number]: KexHandler | undefined };
}

export type KexHandler = (protocol: ExchangingView, payload: Buffer) => unknown;
