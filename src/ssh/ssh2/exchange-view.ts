/**
 * The parts of ssh2 1.17.0's key exchange that porthop uses (lib/protocol/kex.js, and the parts of Protocol.js that
 * kex.js works on), for clients and for servers. The second half of view.ts.
 */

/** A key exchange that ssh2 makes: KeyExchange or a class that extends KeyExchange. */
export interface ExchangeView {
  readonly negotiated: { kex: string; serverHostKey: string };
  /** Undefined until the first exchange of the connection has come to its hash. */
  readonly sessionID: Buffer | undefined;
  /** What errors call the computation. ssh2 looks for "groupex" only. */
  type: string;
  hashName: string;
  readonly _protocol: ExchangingView;
  /** Our own KEXINIT, then the other side's. */
  readonly _kexinit: Buffer;
  _remoteKexinit: Buffer;
  /** Our keys in the form of node:crypto's Diffie-Hellman, and the public key. */
  _dh: DiffieHellmanView | null;
  _public: Buffer | null;
  /** Our keys in an X25519 exchange. */
  readonly _keys?: { readonly privateKey: import("node:crypto").KeyObject } | null;
  _hostKey: Buffer;
  _sig: Buffer | undefined;
  start(): void;
  generateKeys(): void;
  getPublicKey(): Buffer;
  convertPublicKey(key: Buffer): Buffer;
  /** K, big endian, which is hashed as a string. An error ends the handshake. */
  computeSecret(otherPublicKey: Buffer): Buffer | Error;
  /** Takes the group that the server chose, in a group exchange. */
  setDHParams?(prime: Buffer, generator: Buffer): void;
}

/** The part of node:crypto's DiffieHellman that ssh2 uses. */
export interface DiffieHellmanView {
  computeSecret(otherPublicKey: Uint8Array): Buffer;
  getPrivateKey(): Buffer;
  /** Needed in a group exchange, where both numbers are hashed too. */
  getPrime?(): Buffer;
  getGenerator?(): Buffer;
}

/** The part of a client's or a server's protocol that a key exchange works on. */
export interface ExchangingView {
  readonly _server: boolean;
  readonly _offer?: { readonly lists: { readonly kex: { array: readonly string[] } } };
  _kex?: ExchangeView | undefined;
  _onError: (error: Error) => void;
  _debug?: ((text: string) => void) | undefined;
}

/** What our KEXINIT offers. The object's constructor makes another offer from plain lists. */
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

/**
 * The exports of lib/protocol/kex.js. Protocol.js and handlers.js copy these when they are loaded, so changes have to
 * come before.
 */
export interface KexModule {
  onKEXPayload: (this: ExchangingView, state: { readonly firstPacket: boolean }, payload: Buffer) => unknown;
  readonly HANDLERS: { [type: number]: KexHandler | undefined };
}

/** The exports of lib/protocol/crypto.js. What has no type here is given back as it was found. */
export interface CryptoModule {
  readonly CIPHER_INFO: { readonly [name: string]: unknown };
  /** `len` is the length of the key, `actualLen` that of the MAC, and `sslName` the hash for createHmac. */
  readonly MAC_INFO: { [name: string]: { sslName: string; len: number; actualLen: number; isETM: boolean } };
  createCipher(config: { readonly outbound: object }): {
    allocPacket(payloadBytes: number): Buffer;
    encrypt(packet: Buffer): void;
  };
  createDecipher(config: { readonly inbound: object }): object;
}

/** The encoder of AES-GCM packets that is written in JavaScript. */
export interface GcmCipherView {
  outSeqno: number;
  readonly _dead: boolean;
  readonly _encSSLName: string;
  readonly _encKey: Buffer;
  readonly _encIV: Buffer;
  readonly _onWrite: (data: Uint8Array) => void;
  allocPacket(payloadBytes: number): Buffer;
  encrypt(packet: Buffer): void;
}

/** The decoder. The lengths tell how much of the packet that has begun was read: of its length, of itself, of its tag. */
export interface GcmDecipherView {
  inSeqno: number;
  readonly _lenBytes: number;
  readonly _len: number;
  readonly _pktLen: number;
  readonly _tagPos: number;
  readonly _decipherSSLName: string;
  readonly _decipherKey: Buffer;
  readonly _decipherIV: Buffer;
  /** False or a number ends the reading. */
  readonly _onPayload: (payload: Buffer) => number | false | undefined;
  /** Returns the place of the first byte that was not read, when the reading has ended before the end. */
  decrypt(data: Buffer, from: number, end: number): number | undefined;
}

/** The exports of lib/protocol/zlib.js. */
export interface ZlibModule {
  readonly ZlibPacketReader: { readonly prototype: InflaterView };
}

interface InflaterView {
  readonly _zlib: { _maxOutputLength: number };
  read(data: Buffer): Buffer;
}

export type KexHandler = (protocol: ExchangingView, payload: Buffer) => unknown;
