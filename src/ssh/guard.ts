/**
 * Looks at what ssh2 1.17.0 believes of a server unseen. An identification that comes in several pieces is read whole;
 * a channel on which the server breaks the rules is closed, and the others go on.
 */
import type { Client } from "ssh2";
import { type ChannelStream, takeData, type WindowedChannel } from "./channel/window.ts";
import { ChannelFault } from "./failure.ts";

/** Call it right after `client.connect`, before the stream's first bytes. */
export function guard(client: Client): void {
  const { _protocol: protocol, _chanMgr: channels } = client as unknown as Partial<ClientInternals>;
  if (protocol === undefined || channels === undefined) return;
  readHeaderWhole(protocol);
  sendNothingAfterEnd(protocol);
  guardConfirmations(protocol._handlers, channels);
  guardData(protocol._handlers, channels);
  guardOpens(protocol);
  guardRequests(protocol._handlers, channels);
}

/**
 * RFC 4253, section 4.2. ssh2 forgets the second of three pieces and everything after it (Protocol.js, parseHeader), so
 * it gets all that came each time a line is complete.
 */
function readHeaderWhole(protocol: ProtocolInternals): void {
  const parseHeader = protocol._parse;
  let heard: Buffer = Buffer.alloc(0);
  let lineStart = 0;
  protocol._parse = (chunk, start, end) => {
    const before = heard.length;
    heard = Buffer.concat([heard, chunk.subarray(start, end)]);
    if (heard.length > mostHeaderBytes) throw new Error("Header too long");
    const lineFeed = heard.lastIndexOf(0x0a);
    if (lineFeed < before && heard.length - lineStart < longestLineBytes) return end;
    lineStart = lineFeed + 1;
    protocol._buffer = undefined;
    // When the identification was in it, parseHeader has put the next parser in this one's place.
    const read = parseHeader.call(protocol, heard, 0, heard.length);
    return start + read - before;
  };
}

/**
 * At the end of the connection ssh2 lets go of its compression, and only at the close, which may come much later, of its
 * channels: what these have to say in between goes nowhere, and with compression it would throw.
 */
function sendNothingAfterEnd(protocol: ProtocolInternals): void {
  for (const kind of channelMessages) {
    const send = protocol[kind];
    protocol[kind] = (...words) => {
      // It destructs itself once (Protocol.js, cleanup).
      if (protocol._destruct !== undefined) send.apply(protocol, words);
    };
  }
}

/** Channel._write would cut its data into packets of no size for ever. */
function guardConfirmations(handlers: Handlers, channels: ChannelTable): void {
  const { CHANNEL_OPEN_CONFIRMATION: confirm } = handlers;
  handlers.CHANNEL_OPEN_CONFIRMATION = (self, info) => {
    if (info.packetSize >= fewestPacketBytes) return confirm(self, info);
    confirm(self, { ...info, packetSize: fewestPacketBytes });
    distrust(channels.get(info.recipient), `opened a channel that takes packets of ${info.packetSize} bytes only`);
  };
}

/** Does all that ssh2 does with data: the window is ours to keep (channel/window.ts). */
function guardData(handlers: Handlers, channels: ChannelTable): void {
  const take = (recipient: number, data: Uint8Array, streamOf: (channel: GuardedChannel) => ChannelStream) => {
    const channel = channels.get(recipient);
    if (typeof channel !== "object" || channel === null) return;
    const { incoming, outgoing } = channel;
    // Behind an EOF or our own CLOSE data is nobody's: what is on its way may still come.
    if (incoming.state !== "open" || outgoing.state === "closing" || outgoing.state === "closed") return;
    if (data.length <= incoming.window) takeData(channel, streamOf(channel), data);
    else distrust(channel, "sent more than the window of the channel allows");
  };
  handlers.CHANNEL_DATA = (_self, recipient, data) => take(recipient, data, (channel) => channel);
  handlers.CHANNEL_EXTENDED_DATA = (_self, recipient, data, type) => {
    // Bytes of a type that nobody knows use up the window as well: they go where nobody listens.
    take(recipient, data, type === stderrType ? ({ stderr }) => stderr : () => nowhere);
  };
}

/** Channels that the server opens (RFC 4254, section 7.2). */
function guardOpens(protocol: ProtocolInternals): void {
  const { CHANNEL_OPEN: open } = protocol._handlers;
  protocol._handlers.CHANNEL_OPEN = (self, info) => {
    if (info.packetSize >= fewestPacketBytes) return open(self, info);
    protocol.channelOpenFail(info.sender, resourceShortage, `packets of ${info.packetSize} bytes are too small`);
  };
}

/** After our own CLOSE the number is the server's to give away: an answer might be taken for another channel's. */
function guardRequests(handlers: Handlers, channels: ChannelTable): void {
  const { CHANNEL_REQUEST: take } = handlers;
  handlers.CHANNEL_REQUEST = (self, recipient, type, wantsReply, data) => {
    const channel = channels.get(recipient);
    const state = typeof channel === "object" ? channel?.outgoing.state : undefined;
    take(self, recipient, type, wantsReply && state !== "closing" && state !== "closed", data);
  };
}

/** Whoever has the channel hears why, and it is closed: what the server sends on it from now on is dropped. */
function distrust(channel: GuardedChannel | OpenRequest | null | undefined, what: string): void {
  if (typeof channel !== "object" || channel === null) return;
  if (channel.listenerCount("error") > 0) channel.emit("error", new ChannelFault(`the server ${what}`));
  channel.close();
  // The channel must see its end to be forgotten.
  channel.resume();
}

/** OpenSSH takes no line beyond 8192 bytes either (kex.c, SSH_MAX_PRE_BANNER_LINES and its buffer). */
const longestLineBytes = 8192;
const mostHeaderBytes = 256 * 1024;

/** Servers offer 16 KiB and more; whoever takes less than this wants every byte to cost a packet. */
const fewestPacketBytes = 256;

const channelMessages = [
  ...["channelData", "channelExtData", "channelEOF", "channelClose", "channelWindowAdjust"],
  ...["channelSuccess", "channelFailure", "channelOpenConfirm", "channelOpenFail", "requestSuccess", "requestFailure"],
] as const;

/** RFC 4254, section 5.2: SSH_EXTENDED_DATA_STDERR. */
const stderrType = 1;
/** Takes all, and holds nothing. */
const nowhere: ChannelStream = { readableLength: 0, read: () => null, push: () => true };
/** RFC 4254, section 5.1: SSH_OPEN_RESOURCE_SHORTAGE. */
const resourceShortage = 4;

/** What ssh2's types do not show (ssh2 1.17.0, lib/client.js and lib/protocol/Protocol.js). */
interface Handlers {
  CHANNEL_OPEN: (self: unknown, info: { readonly packetSize: number; readonly sender: number }) => void;
  CHANNEL_OPEN_CONFIRMATION: (self: unknown, info: { readonly packetSize: number; readonly recipient: number }) => void;
  CHANNEL_DATA: (self: unknown, recipient: number, data: Uint8Array) => void;
  CHANNEL_EXTENDED_DATA: (self: unknown, recipient: number, data: Uint8Array, type: number) => void;
  CHANNEL_REQUEST: (self: unknown, recipient: number, type: string, wantsReply: boolean, data: unknown) => void;
}

type ProtocolInternals = { [kind in (typeof channelMessages)[number]]: (...words: unknown[]) => void } & {
  readonly _handlers: Handlers;
  readonly _destruct: unknown;
  /** Gives the index of the first byte that it left alone. */
  _parse: (chunk: Buffer, start: number, end: number) => number;
  _buffer: Buffer | undefined;
};

interface GuardedChannel extends WindowedChannel {
  listenerCount(event: "error"): number;
  emit(event: "error", error: Error): boolean;
  close(): void;
  resume(): void;
}

/** What stands in a channel's place while it is being opened. */
type OpenRequest = (...answer: never[]) => void;

interface ChannelTable {
  get(recipient: number): GuardedChannel | OpenRequest | null | undefined;
}

interface ClientInternals {
  readonly _protocol: ProtocolInternals;
  readonly _chanMgr: ChannelTable;
}
