/**
 * Looks at what ssh2 believes of a server unseen about its channels: one on which the server breaks the rules is closed, and
 * the others go on.
 */
import { ChannelFault } from "../ssh-failure.ts";
import type { ChannelTable, ChannelView, Handlers, Opened, StreamView } from "./view.ts";
import { takeData } from "./window.ts";

export class ChannelMessages {
  readonly #channels: Pick<ChannelTable, "get">;
  #onData: ((bytes: number) => void) | undefined;

  constructor(handlers: Handlers, channels: Pick<ChannelTable, "get">) {
    this.#channels = channels;
    this.#guardConfirmations(handlers);
    this.#guardData(handlers);
    this.#guardRequests(handlers);
  }

  /** Told how much each CHANNEL_DATA brings, before it is taken. */
  onData(told: (bytes: number) => void): void {
    this.#onData = told;
  }

  /** Channel._write would cut its data into packets of no size for ever. */
  #guardConfirmations(handlers: Handlers): void {
    const { CHANNEL_OPEN_CONFIRMATION: confirm } = handlers;
    handlers.CHANNEL_OPEN_CONFIRMATION = (self, info) => {
      if (info.packetSize >= fewestPacketBytes) return confirm(self, info);
      confirm(self, { ...info, packetSize: fewestPacketBytes });
      const what = `opened a channel that takes packets of ${info.packetSize} bytes only`;
      distrust(this.#channels.get(info.recipient), what);
    };
  }

  /** Does all that ssh2 does with data: the window is ours to keep (window.ts). */
  #guardData(handlers: Handlers): void {
    handlers.CHANNEL_DATA = (_self, recipient, data) => {
      this.#onData?.(data.length);
      const channel = this.#takerOf(recipient, data);
      if (channel !== undefined) takeData(channel, channel, data);
    };
    handlers.CHANNEL_EXTENDED_DATA = (_self, recipient, data, type) => {
      const channel = this.#takerOf(recipient, data);
      // Bytes of a type that nobody knows use up the window as well: they go where nobody listens.
      if (channel !== undefined) takeData(channel, type === stderrType ? channel.stderr : nowhere, data);
    };
  }

  /** After our own CLOSE the number is the server's to give away: an answer might be taken for another channel's. */
  #guardRequests(handlers: Handlers): void {
    const { CHANNEL_REQUEST: take } = handlers;
    handlers.CHANNEL_REQUEST = (self, recipient, type, wantsReply, data) => {
      const channel = this.#channels.get(recipient);
      const isClosed = isOpen(channel) && hasClosed(channel);
      take(self, recipient, type, wantsReply && !isClosed, data);
    };
  }

  /** The channel that data is for; undefined when it is nobody's, or more than may come. */
  #takerOf(recipient: number, data: Uint8Array): ChannelView | undefined {
    const channel = this.#channels.get(recipient);
    // Behind an EOF or our own CLOSE data is nobody's: what is on its way may still come.
    if (!isOpen(channel) || channel.incoming.state !== "open" || hasClosed(channel)) return undefined;
    if (data.length <= channel.incoming.window) return channel;
    distrust(channel, "sent more than the window of the channel allows");
    return undefined;
  }
}

/** Servers offer 16 KiB and more; whoever takes less than this wants every byte to cost a packet. */
export const fewestPacketBytes = 256;

function isOpen(channel: ChannelView | Opened | null | undefined): channel is ChannelView {
  return typeof channel === "object" && channel !== null;
}

function hasClosed({ outgoing }: ChannelView): boolean {
  return outgoing.state === "closing" || outgoing.state === "closed";
}

/** Whoever has the channel hears why, and it is closed: what the server sends on it from now on is dropped. */
function distrust(channel: ChannelView | Opened | null | undefined, what: string): void {
  if (!isOpen(channel)) return;
  if (channel.listenerCount("error") > 0) channel.emit("error", new ChannelFault(`the server ${what}`));
  channel.close();
  // The channel must see its end to be forgotten.
  channel.resume();
}

/** RFC 4254, section 5.2: SSH_EXTENDED_DATA_STDERR. */
const stderrType = 1;
/** Takes all, and holds nothing. */
const nowhere: StreamView = { readableLength: 0, read: () => null, push: () => true };
