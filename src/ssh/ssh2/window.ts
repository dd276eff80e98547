/**
 * The window of a channel: how much the server may send (RFC 4254, section 5.2). It is opened again for what was read, in
 * steps of 128 KiB, so that a reader who stands still costs one window. ssh2 1.17.0 opens it for what has come in, up to
 * twice as much, and only when half is used: 19 MB/s instead of 36 at a round trip of 50 ms. And it opens windows of
 * channels that are closed: by then the server may have given their number to another one.
 */
import type { ChannelView, StreamView } from "./view.ts";

const stepBytes = 128 * 1024;
/** What ssh2 offers with each channel, and the most that one may have on its way or unread (lib/Channel.js, MAX_WINDOW). */
export const windowBytes = 2 * 1024 * 1024;
/** The largest packet that it takes (PACKET_SIZE). */
export const packetBytes = 32 * 1024;

/** Takes in what has come on one of the channel's streams; the window has to have room for it. */
export function takeData(channel: ChannelView, stream: StreamView, data: Uint8Array): void {
  channel.incoming.window -= data.length;
  openByReading(channel, stream);
  stream.push(data);
  // Where somebody listens it has been read by now.
  openWindow(channel);
}

/** Whatever way a stream is read, be it by events, what waits in it is given out by `read`. */
function openByReading(channel: ChannelView, stream: StreamView): void {
  if (Object.hasOwn(stream, "read")) return;
  const { read } = stream;
  stream.read = (bytes) => {
    const chunk = read.call(stream, bytes);
    if (chunk !== null) openWindow(channel);
    return chunk;
  };
}

/** Opens it for what was read, once that is a step. */
export function openWindow(channel: ChannelView): void {
  const { incoming, outgoing } = channel;
  // Nothing more will come, or nothing more is wanted: after our CLOSE the number is the server's to give away.
  if (incoming.state !== "open" || (outgoing.state !== "open" && outgoing.state !== "eof")) return;
  const unread = channel.readableLength + channel.stderr.readableLength;
  const bytes = windowBytes - incoming.window - unread;
  if (bytes < stepBytes) return;
  incoming.window += bytes;
  channel._client._protocol.channelWindowAdjust(outgoing.id, bytes);
}
