/**
 * Opens the windows of ssh2's channels (RFC 4254, section 5.2) for bytes that were read. ssh2 1.17.0 opens a window for
 * bytes that have arrived, up to twice as much, and only when half is used: 19 MB/s instead of 36 at a round trip of 50
 * ms. ssh2 also opens windows of closed channels, whose number the server may have given to another channel.
 */
import { ReceiveWindow } from "./receive-window.ts";
import { SendWindow } from "./send-window.ts";
import type { ChannelView, StreamView } from "./view.ts";
import { WindowLink } from "./window-link.ts";

/** The largest packet that ssh2 accepts (lib/Channel.js, PACKET_SIZE). Its MAX_WINDOW is our `windowBytes`. */
export const packetBytes = 32 * 1024;

const links = new WeakMap<object, WindowLink>();
const windows = new WeakMap<ChannelView, ReceiveWindow>();
const sending = new WeakMap<ChannelView, SendWindow>();

/** The link of all channels of this client. */
export function linkOf(client: ChannelView["_client"]): WindowLink {
  const known = links.get(client);
  if (known !== undefined) return known;
  const link = new WindowLink();
  links.set(client, link);
  return link;
}

/** Takes data that arrived for one of the channel's streams. The window must have room for the data. */
export function takeData(channel: ChannelView, stream: StreamView, data: Uint8Array): void {
  channel.incoming.window -= data.length;
  windowOf(channel).took(data.length);
  openByReading(channel, stream);
  stream.push(alone(data));
  // A stream with a listener has passed the data on by now.
  openWindow(channel);
}

/**
 * The data is a view of its packet, and a server may send packets that are large for one byte of data: the window would
 * count the byte, and memory hold the packet.
 */
function alone(data: Uint8Array): Uint8Array {
  if (data.buffer.byteLength - data.length <= data.length + mostWasteBytes) return data;
  const copy = Buffer.allocUnsafeSlow(data.length);
  copy.set(data);
  return copy;
}

/** A packet's own head and the most padding that it can have. */
const mostWasteBytes = 512;

/**
 * All ways of reading a stream, events too, call `read`. So `read` opens the window, and the one that finds the end gives
 * back what the window has borrowed.
 */
function openByReading(channel: ChannelView, stream: StreamView): void {
  if (Object.hasOwn(stream, "read")) return;
  const { read } = stream;
  stream.read = (bytes) => {
    const chunk = read.call(stream, bytes);
    if (chunk !== null || isOver(channel)) openWindow(channel);
    return chunk;
  };
}

/** Opens the window for the bytes that were read, once they are at least one step. */
export function openWindow(channel: ChannelView): void {
  const { incoming, outgoing } = channel;
  const window = windowOf(channel);
  const unreadBytes = channel.readableLength + channel.stderr.readableLength;
  if (isOver(channel)) {
    window.ended(unreadBytes);
    return;
  }
  const bytes = window.opening(incoming.window, unreadBytes);
  if (bytes === 0) return;
  incoming.window += bytes;
  channel._client._protocol.channelWindowAdjust(outgoing.id, bytes);
}

/**
 * True when the server sends no more, or we want no more. After our CLOSE the server may give the number to another
 * channel.
 */
function isOver({ incoming, outgoing }: ChannelView): boolean {
  return incoming.state !== "open" || (outgoing.state !== "open" && outgoing.state !== "eof");
}

/** `leftBytes` is the window that came with the channel. */
export function beginSending(channel: ChannelView, leftBytes: number): void {
  sending.set(channel, new SendWindow(linkOf(channel._client), windowOf(channel), leftBytes));
}

/**
 * The server has opened its window. `open` opens the window that ssh2 knows: by fewer bytes while the channel gives way,
 * even below 0.
 */
export function openSending(channel: ChannelView, bytes: number, open: (bytes: number) => void): void {
  const window = sending.get(channel);
  if (window === undefined) {
    open(bytes);
    return;
  }
  const { window: unusedBytes } = channel.outgoing;
  open(window.opened(bytes, unusedBytes) - unusedBytes);
  if (window.holdsBack) watchLateness(window, channel, open);
}

/**
 * A server may open its window later than for what is on its way now, and both sides would wait for each other. Then
 * more is sent after a moment. It is the same where only the target is slow.
 */
function watchLateness(window: SendWindow, channel: ChannelView, open: (bytes: number) => void): void {
  if (watched.has(window)) return;
  watched.add(window);
  const { openings } = window;
  const look = () => {
    watched.delete(window);
    const isOpen = channel.outgoing.state === "open" && channel.incoming.state !== "closed";
    if (!isOpen || !window.holdsBack) return;
    const { window: unusedBytes } = channel.outgoing;
    if (window.openings === openings) open(window.late(unusedBytes) - unusedBytes);
    watchLateness(window, channel, open);
  };
  setTimeout(look, lateMs + lateTrips * (linkOf(channel._client).roundTripMs ?? 0)).unref();
}

const watched = new WeakSet<SendWindow>();
/** When a server is late: after this time and some round trips. */
const [lateMs, lateTrips] = [100, 4];

function windowOf(channel: ChannelView): ReceiveWindow {
  const known = windows.get(channel);
  if (known !== undefined) return known;
  const window = new ReceiveWindow(linkOf(channel._client));
  windows.set(channel, window);
  return window;
}
