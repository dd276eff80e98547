/**
 * What porthop touches of ssh2 1.17.0 that its types do not show (lib/client.js, lib/Channel.js, lib/protocol/): written down
 * here once, and looked for before a connection says its first word (view-check.ts). Only this folder may use it; all others
 * in ssh/ have the ports.
 */
import type { ClientChannel } from "ssh2";
import type { ExchangeView, OfferView } from "./exchange-view.ts";

export interface ClientView {
  readonly _protocol: ProtocolView;
  readonly _chanMgr: ChannelTable;
  /** Of global requests that are not answered yet, in order. They have no number (RFC 4254, section 4). */
  readonly _callbacks: ((failed: unknown, answer?: Buffer | null) => void)[];
  /** Forgets what was not answered, and waits a whole interval before it asks again. */
  readonly _resetKA: () => void;
  /** The software in the server's identification; undefined until that has come. */
  readonly _remoteVer: string | undefined;
  /** The ports of listeners on the server, by the address that it says with each connection. */
  readonly _forwarding: { readonly [address: string]: number | undefined };
  /** Not 0: channels of X11 are told to whoever listens to "x11". */
  _acceptX11: number;
}

export interface ProtocolView extends Sends {
  readonly _server: boolean;
  readonly _handlers: Handlers;
  /** Gives the index of the first byte that it left alone. */
  _parse: (chunk: Buffer, start: number, end: number) => number;
  _buffer: Buffer | undefined;
  _onPacket: () => void;
  _onError: (error: Error) => void;
  readonly _debug?: ((text: string) => void) | undefined;
  /** Undefined once the connection has ended. */
  readonly _destruct: unknown;
  _offer: OfferView;
  /** The latest key exchange, also when it is over. */
  _kex: ExchangeView | undefined;
  /** Our own KEXINIT, while a key exchange is under way. */
  readonly _kexinit: Buffer | undefined;
  /** What waits for the end of that. */
  _queue: Uint8Array[] | undefined;
  readonly _packetRW: {
    readonly write: {
      readonly allocStart: number;
      alloc(bytes: number): Uint8Array;
      finalize(packet: Uint8Array): Uint8Array;
    };
  };
  readonly _cipher: { encrypt(packet: Uint8Array): void };
  /** Methods of login that wait for an answer. */
  readonly _authsQueue: string[];
}

/** What the protocol sends, message by message. */
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

/** What ssh2 puts together to be signed goes in, the signature comes out. */
export type SignView = (signed: Buffer, answer: (signature: Buffer) => void) => void;

export interface HostKeyView {
  getPublicSSH(): Buffer;
}

/** The messages that are sent because the server sent one. */
export const answerKinds = [
  ...["requestSuccess", "requestFailure", "channelSuccess", "channelFailure"],
  ...["channelOpenConfirm", "channelOpenFail", "channelWindowAdjust", "channelClose", "authInfoRes"],
] as const satisfies readonly string[];

/** What may still be called when the connection has ended, and must go nowhere then. */
export const lateKinds = [
  ...["channelData", "channelExtData", "channelEOF", "channelClose", "channelWindowAdjust"],
  ...["channelSuccess", "channelFailure", "channelOpenConfirm", "channelOpenFail", "requestSuccess", "requestFailure"],
  ...["session", "env", "pty", "x11Forward", "openssh_agentForward", "exec", "shell", "windowChange"],
] as const satisfies readonly string[];

export type SendKind = (typeof answerKinds)[number] | (typeof lateKinds)[number];

/** What is told of the server's messages (lib/protocol/handlers.misc.js). Each gets the protocol itself first. */
export interface Handlers {
  CHANNEL_OPEN: (self: unknown, open: OpenView) => void;
  CHANNEL_OPEN_CONFIRMATION: (self: unknown, info: { readonly packetSize: number; readonly recipient: number }) => void;
  CHANNEL_DATA: (self: unknown, recipient: number, data: Uint8Array) => void;
  CHANNEL_EXTENDED_DATA: (self: unknown, recipient: number, data: Uint8Array, type: number) => void;
  CHANNEL_REQUEST: (self: unknown, recipient: number, type: string, wantsReply: boolean, data: unknown) => void;
  GLOBAL_REQUEST: (self: unknown, name: string, wantsReply: boolean, data: unknown) => void;
  USERAUTH_FAILURE: (self: unknown, methods: readonly string[], isPartial: boolean) => void;
  USERAUTH_PASSWD_CHANGEREQ: (self: unknown, prompt: string) => void;
  EXT_INFO: (self: unknown, infos: readonly { readonly name: string; readonly algs?: readonly string[] }[]) => void;
  /** Only where ssh2's own trace is wanted. */
  DEBUG?: ((self: unknown, display: boolean, text: unknown) => void) | undefined;
}

/** A channel that the server wants to open. */
export interface OpenView {
  readonly type: string;
  readonly sender: number;
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

/** By our numbers. A function stands in the place of a channel that is being opened: it gets the channel, or why not. */
export interface ChannelTable {
  get(id: number): ChannelView | Opened | null | undefined;
  /** -1 when there is no number left. */
  add(opened: Opened): number;
}

export type Opened = ((error: Error | undefined, channel: ClientChannel) => void) & { readonly type: string };

export interface ChannelView extends StreamView {
  readonly incoming: { readonly state: "open" | "eof" | "closed"; window: number };
  readonly outgoing: { readonly state: "open" | "eof" | "closing" | "closed"; readonly id: number };
  readonly stderr: StreamView;
  readonly _client: { readonly _protocol: Pick<ProtocolView, "channelWindowAdjust" | "windowChange"> };
  /** Called with true for a refusal, in the order of the requests; with true as well when the channel is closed. */
  readonly _callbacks: ((isRefused: boolean) => void)[];
  listenerCount(event: "error"): number;
  emit(event: "error", error: Error): boolean;
  close(): void;
  resume(): void;
}

/** One of a channel's two streams, the data and what its types call stderr. */
export interface StreamView {
  readonly readableLength: number;
  read(bytes?: number): unknown;
  push(chunk: Uint8Array | null): boolean;
}
