/**
 * The window of a channel: how much the server may send (RFC 4254, section 5.2). porthop opens the window for bytes
 * that were read, in steps of 128 KiB, so a reader that stands still holds one window at most. ssh2 1.17.0 opens it for
 * bytes that have arrived, up to twice as much, and only when half is used: 19 MB/s instead of 36 at a round trip of 50
 * ms. ssh2 also opens windows of closed channels, whose number the server may have given to another channel.
 */
import type { ChannelView, StreamView } from "./view.ts";

const stepBytes = 128 * 1024;
/**
 * The window that ssh2 offers with each channel: the most bytes that may be on their way or unread (lib/Channel.js,
 * MAX_WINDOW).
 */
export const windowBytes = 2 * 1024 * 1024;
/** The largest packet that ssh2 accepts (PACKET_SIZE). */
export const packetBytes = 32 * 1024;

/** Takes data that arrived for one of the channel's streams. The window must have room for the data. */
export function takeData(channel: ChannelView, stream: StreamView, data: Uint8Array): void {
  channel.incoming.window -= data.length;
  openByReading(channel, stream);
  stream.push(data);
  // A stream with a listener has passed the data on by now.
  openWindow(channel);
}

/** All ways of reading a stream, events too, call `read`. So `read` opens the window. */
function openByReading(channel: ChannelView, stream: StreamView): void {
  if (Object.hasOwn(stream, "read")) return;
  const { read } = stream;
  stream.read = (bytes) => {
    const chunk = read.call(stream, bytes);
    if (chunk !== null) openWindow(channel);
    return chunk;
  };
}

/** Opens the window for the bytes that were read, once they are at least one step. */
export function openWindow(channel: ChannelView): void {
  const { incoming, outgoing } = channel;
  // Either the server sends no more, or we want no more. After our CLOSE the server may give the number to another
  // channel.
  if (incoming.state !== "open" || (outgoing.state !== "open" && outgoing.state !== "eof")) return;
  const unread = channel.readableLength + channel.stderr.readableLength;
  const bytes = windowBytes - incoming.window - unread;
  if (bytes < stepBytes) return;
  incoming.window += bytes;
  channel._client._protocol.channelWindowAdjust(outgoing.id, bytes);
}
