/**
 * Looks at what ssh2 1.17.0 believes of a server unseen. An identification that comes in several pieces is read whole;
 * a server that breaks the rules of its channels loses its session, instead of hanging porthop or filling its memory.
 */
import type { Duplex } from "node:stream";
import type { Client } from "ssh2";

/** Call it right after `client.connect`, before the stream's first bytes. */
export function guard(client: Client, stream: Duplex): void {
  const { _protocol: protocol, _chanMgr: channels } = client as unknown as Partial<ClientInternals>;
  if (protocol === undefined || channels === undefined) return;
  readHeaderWhole(protocol);
  const refuse = (what: string) => {
    client.emit("error", new Error(`the server ${what}`));
    stream.destroy();
  };
  guardChannels(protocol._handlers, channels, refuse);
  guardOpens(protocol._handlers, stream, refuse);
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

function guardChannels(
  handlers: Handlers,
  channels: ClientInternals["_chanMgr"],
  refuse: (what: string) => void,
): void {
  const { CHANNEL_OPEN_CONFIRMATION: confirm, CHANNEL_DATA: data, CHANNEL_EXTENDED_DATA: extended } = handlers;
  handlers.CHANNEL_OPEN_CONFIRMATION = (self, info) => {
    // Channel._write would cut its data into packets of no size for ever.
    if (info.packetSize >= fewestPacketBytes) confirm(self, info);
    else refuse(`opened a channel that takes packets of ${info.packetSize} bytes only`);
  };
  const watched =
    <T extends unknown[]>(take: DataHandler<T>): DataHandler<T> =>
    (self, recipient, bytes, ...rest) => {
      const channel = channels.get(recipient);
      const incoming = typeof channel === "object" ? channel?.incoming : undefined;
      // Data behind an EOF belongs to nobody: pushed into a stream that has ended it would be an error out of nowhere.
      if (incoming === undefined || incoming.state !== "open") return;
      if (bytes.length <= incoming.window) take(self, recipient, bytes, ...rest);
      else refuse("sent more than the window of a channel allows");
    };
  handlers.CHANNEL_DATA = watched(data);
  handlers.CHANNEL_EXTENDED_DATA = watched(extended);
}

/** Channels that the server opens (RFC 4254, section 7.2): what ssh2 answers by itself is answered without end. */
function guardOpens(handlers: Handlers, stream: Duplex, refuse: (what: string) => void): void {
  const { CHANNEL_OPEN: open } = handlers;
  let unheard = 0;
  handlers.CHANNEL_OPEN = (self, info) => {
    // A server that opens and opens and reads no answer would have us keep them all.
    unheard = stream.writableLength < unheardBytes ? 0 : unheard + 1;
    if (info.packetSize < fewestPacketBytes)
      refuse(`opened a channel that takes packets of ${info.packetSize} bytes only`);
    else if (unheard > mostUnheardOpens) refuse("opens channels and does not read the answers");
    else open(self, info);
  };
}

/** OpenSSH takes no line beyond 8192 bytes either (kex.c, SSH_MAX_PRE_BANNER_LINES and its buffer). */
const longestLineBytes = 8192;
const mostHeaderBytes = 256 * 1024;

/** Servers offer 16 KiB and more; whoever takes less than this wants every byte to cost a packet. */
const fewestPacketBytes = 256;

/** Above this much that waits for the network an answer may not have been heard; and so many of them are no accident. */
const unheardBytes = 1024 * 1024;
const mostUnheardOpens = 100_000;

type DataHandler<T extends unknown[]> = (self: unknown, recipient: number, data: Uint8Array, ...rest: T) => void;

/** What ssh2's types do not show (ssh2 1.17.0, lib/client.js and lib/protocol/Protocol.js). */
interface Handlers {
  CHANNEL_OPEN: (self: unknown, info: { readonly packetSize: number }) => void;
  CHANNEL_OPEN_CONFIRMATION: (self: unknown, info: { readonly packetSize: number }) => void;
  CHANNEL_DATA: DataHandler<[]>;
  CHANNEL_EXTENDED_DATA: DataHandler<[type: number]>;
}

interface ProtocolInternals {
  readonly _handlers: Handlers;
  /** Gives the index of the first byte that it left alone. */
  _parse: (chunk: Buffer, start: number, end: number) => number;
  _buffer: Buffer | undefined;
}

interface ClientInternals {
  readonly _protocol: ProtocolInternals;
  readonly _chanMgr: {
    /** A function while the channel is being opened. */
    get(
      recipient: number,
    ): { readonly incoming?: { readonly state: string; readonly window: number } } | null | undefined;
  };
}
