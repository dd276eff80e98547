/**
 * The parts of ssh2 1.17.0 that porthop uses and that ssh2's types do not show (lib/client.js, lib/Channel.js,
 * lib/protocol/). They are written down here once, and view-check.ts checks them before a connection's first byte. Only
 * this folder may use them; the rest of ssh/ uses the ports.
 */
import type { ClientChannel } from "ssh2";
import type { ExchangeView, OfferView } from "./exchange-view.ts";

export interface ClientView {
  readonly _protocol: ProtocolView;
  readonly _chanMgr: ChannelTable;
  /**
   * The callbacks of global requests without an answer yet, in order. These requests have no number (RFC 4254, section
   * 4).
   */
  readonly _callbacks: ((failed: unknown, answer?: Buffer | null) => void)[];
  /** The software in the server's identification. Undefined until the identification has arrived. */
  readonly _remoteVer: string | undefined;
  /** The ports of listeners on the server, by the address that the server names with each connection. */
  readonly _forwarding: { readonly [address: string]: number | undefined };
  /** When this is not 0, ssh2 emits "x11" for X11 channels. */
  _acceptX11: number;
}

export interface ProtocolView extends Sends {
  readonly _server: boolean;
  readonly _handlers: Handlers;
  /** Returns the index of the first byte that was not read. */
  _parse: (chunk: Buffer, start: number, end: number) => number;
  /** Reads a chunk to its end. */
  parse: (chunk: Buffer, start: number, end: number) => void;
  /** Undefined until the server's identification has arrived. */
  _decipher: DecipherView | undefined;
  _buffer: Buffer | undefined;
  _onPacket: () => void;
  _onError: (error: Error) => void;
  _debug?: ((text: string) => void) | undefined;
  /** Undefined once the connection has ended. */
  readonly _destruct: unknown;
  _offer: OfferView;
  /** The latest key exchange, which may be over. */
  _kex: ExchangeView | undefined;
  /** Our own KEXINIT. Undefined when no key exchange is under way. */
  readonly _kexinit: Buffer | undefined;
  /** Messages that wait for the end of the key exchange. */
  _queue: Uint8Array[] | undefined;
  readonly _packetRW: {
    readonly write: {
      readonly allocStart: number;
      alloc(bytes: number): Uint8Array;
      finalize(packet: Uint8Array): Uint8Array;
    };
  };
  readonly _cipher: { readonly outSeqno: number; encrypt(packet: Uint8Array): void };
  /** Login methods that wait for an answer. */
  readonly _authsQueue: string[];
}

/** Takes the server's packets apart (lib/protocol/crypto.js). */
export interface DecipherView {
  /** The number of the next packet. */
  readonly inSeqno: number;
  /** Gets the content of each packet whose authentication code was right. */
  _onPayload: (payload: Buffer) => unknown;
  /** The length of the packet that is being read. */
  _len: number;
  /** False when the MAC is over the plain packet. Undefined without a MAC of its own. */
  readonly _macETM?: boolean | undefined;
}

/** The functions of the protocol that send a message each. */
export interface Sends extends Record<SendKind, (...words: never[]) => void> {
  channelOpenFail(recipient: number, reason: number, text: string): void;
  channelWindowAdjust(recipient: number, bytes: number): void;
  requestSuccess(): void;
  ping(): void;
  rekey(): void;
  openssh_hostKeysProve(keys: readonly HostKeyView[]): void;
  authPK(user: string, key: object, algorithm?: string | SignView, sign?: SignView): void;
  authPassword(user: string, password: string, newPassword: string): void;
  session(id: number, windowBytes: number, packetBytes: number): void;
  env(id: number, name: string, value: string, wantReply: boolean): void;
  pty(
    id: number,
    rows: number,
    columns: number,
    heightPixels: number,
    widthPixels: number,
    type: string,
    modes: Uint8Array,
    wantReply: boolean,
  ): void;
  x11Forward(
    id: number,
    request: { single: boolean; protocol: string; cookie: string; screen: number },
    wantReply: boolean,
  ): void;
  openssh_agentForward(id: number, wantReply: boolean): void;
  exec(id: number, command: string, wantReply: boolean): void;
  shell(id: number, wantReply: boolean): void;
  windowChange(id: number, rows: number, columns: number, heightPixels: number, widthPixels: number): void;
}

/** Gets the bytes that ssh2 wants signed, and gives the signature to `answer`. */
export type SignView = (signed: Buffer, answer: (signature: Buffer) => void) => void;

export interface HostKeyView {
  getPublicSSH(): Buffer;
}

/** Messages that are sent in answer to the server. */
export const answerKinds = [
  ...["requestSuccess", "requestFailure", "channelSuccess", "channelFailure"],
  ...["channelOpenConfirm", "channelOpenFail", "channelWindowAdjust", "channelClose", "authInfoRes"],
] as const satisfies readonly string[];

/** Messages that may still be sent after the connection has ended. They must be dropped then. */
export const lateKinds = [
  ...["channelData", "channelExtData", "channelEOF", "channelClose", "channelWindowAdjust"],
  ...["channelSuccess", "channelFailure", "channelOpenConfirm", "channelOpenFail", "requestSuccess", "requestFailure"],
  ...["session", "env", "pty", "x11Forward", "openssh_agentForward", "exec", "shell", "windowChange"],
] as const satisfies readonly string[];

export type SendKind = (typeof answerKinds)[number] | (typeof lateKinds)[number];

/** The handlers of the server's messages (lib/protocol/handlers.misc.js). The first argument is always the protocol. */
export interface Handlers {
  CHANNEL_OPEN: (self: unknown, open: OpenView) => void;
  CHANNEL_OPEN_CONFIRMATION: (
    self: unknown,
    info: { readonly packetSize: number; readonly window: number; readonly recipient: number },
  ) => void;
  CHANNEL_DATA: (self: unknown, recipient: number, data: Uint8Array) => void;
  CHANNEL_WINDOW_ADJUST: (self: unknown, recipient: number, bytes: number) => void;
  CHANNEL_EXTENDED_DATA: (self: unknown, recipient: number, data: Uint8Array, type: number) => void;
  CHANNEL_REQUEST: (self: unknown, recipient: number, type: string, wantsReply: boolean, data: unknown) => void;
  GLOBAL_REQUEST: (self: unknown, name: string, wantsReply: boolean, data: unknown) => void;
  USERAUTH_FAILURE: (self: unknown, methods: readonly string[], isPartial: boolean) => void;
  USERAUTH_PASSWD_CHANGEREQ: (self: unknown, prompt: string) => void;
  EXT_INFO: (self: unknown, infos: readonly { readonly name: string; readonly algs?: readonly string[] }[]) => void;
  DISCONNECT: (self: unknown, reason: number, text: string | undefined) => void;
  /** Set only when ssh2's own trace is on. */
  DEBUG?: ((self: unknown, display: boolean, text: unknown) => void) | undefined;
}

/** A channel that the server wants to open. */
export interface OpenView {
  readonly type: string;
  readonly sender: number;
  readonly window: number;
  readonly packetSize: number;
  readonly data?:
    | {
        readonly destIP?: string;
        readonly destPort?: number;
        readonly srcIP?: string;
        readonly srcPort?: number;
        readonly socketPath?: string;
      }
    | undefined;
}

/**
 * Channels by our numbers. For a channel that is being opened, the value is a function that gets the channel, or the
 * error.
 */
export interface ChannelTable {
  get(id: number): ChannelView | Opened | null | undefined;
  /** Returns -1 when no number is left. */
  add(opened: Opened): number;
}

export type Opened = ((error: Error | undefined, channel: ClientChannel) => void) & { readonly type: string };

export interface ChannelView extends StreamView {
  readonly incoming: { readonly state: "open" | "eof" | "closed"; window: number };
  readonly outgoing: {
    readonly state: "open" | "eof" | "closing" | "closed";
    readonly id: number;
    /** What may still be sent. */
    readonly window: number;
  };
  readonly stderr: StreamView;
  readonly _client: { readonly _protocol: Pick<ProtocolView, "channelWindowAdjust" | "windowChange"> };
  /**
   * Callbacks of requests, in the order of the requests. They get true for a refusal, and also when the channel is
   * closed.
   */
  readonly _callbacks: ((isRefused: boolean) => void)[];
  /** How the command ended: null for a signal, undefined before the server has said it. */
  readonly _exit: { code: number | null | undefined };
  listenerCount(event: "error"): number;
  emit(event: "error", error: Error): boolean;
  close(): void;
  resume(): void;
}

/** One of a channel's two incoming streams: the data, or what ssh2 calls stderr. */
export interface StreamView {
  readonly readableLength: number;
  read(bytes?: number): unknown;
  push(chunk: Uint8Array | null): boolean;
}
