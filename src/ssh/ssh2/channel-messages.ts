/**
 * Checks what ssh2 accepts unchecked from a server about channels. When the server breaks a rule on a channel, that
 * channel is closed and the others go on.
 */
import { ChannelFault } from "../ssh-failure.ts";
import type { ChannelTable, ChannelView, Handlers, Opened, StreamView } from "./view.ts";
import { beginSending, openSending, takeData } from "./window.ts";

export class ChannelMessages {
  readonly #channels: Pick<ChannelTable, "get">;
  #onData: ((bytes: number) => void) | undefined;

  constructor(handlers: Handlers, channels: Pick<ChannelTable, "get">) {
    this.#channels = channels;
    this.#guardConfirmations(handlers);
    this.#guardWindows(handlers);
    this.#guardData(handlers);
    this.#guardRequests(handlers);
  }

  /** `told` hears the size of each CHANNEL_DATA before the data is taken. */
  onData(told: (bytes: number) => void): void {
    this.#onData = told;
  }

  /** Guards against a packet size of 0, with which ssh2's Channel._write would cut data into empty packets for ever. */
  #guardConfirmations(handlers: Handlers): void {
    const { CHANNEL_OPEN_CONFIRMATION: confirm } = handlers;
    handlers.CHANNEL_OPEN_CONFIRMATION = (self, info) => {
      const packetSize = Math.max(info.packetSize, fewestPacketBytes);
      confirm(self, packetSize === info.packetSize ? info : { ...info, packetSize });
      const channel = this.#channels.get(info.recipient);
      if (isOpen(channel)) beginSending(channel, info.window);
      if (packetSize === info.packetSize) return;
      const what = `opened a channel that takes packets of ${info.packetSize} bytes only`;
      distrust(channel, what);
    };
  }

  #guardWindows(handlers: Handlers): void {
    const { CHANNEL_WINDOW_ADJUST: adjust } = handlers;
    handlers.CHANNEL_WINDOW_ADJUST = (self, recipient, bytes) => {
      const channel = this.#channels.get(recipient);
      const open = (some: number) => adjust(self, recipient, some);
      if (isOpen(channel)) openSending(channel, bytes, open);
      else open(bytes);
    };
  }

  /** Does everything that ssh2 does with data, because porthop itself manages the window (window.ts). */
  #guardData(handlers: Handlers): void {
    handlers.CHANNEL_DATA = (_self, recipient, data) => {
      this.#onData?.(data.length);
      const channel = this.#takerOf(recipient, data);
      if (channel !== undefined) takeData(channel, channel, data);
    };
    handlers.CHANNEL_EXTENDED_DATA = (_self, recipient, data, type) => {
      const channel = this.#takerOf(recipient, data);
      // Bytes of an unknown type use up the window too. They go to a stream that drops them.
      if (channel !== undefined) takeData(channel, type === stderrType ? channel.stderr : nowhere, data);
    };
  }

  /**
   * After our CLOSE the server may give the number to another channel, which could take our answer for its own. So no
   * answer is sent.
   *
   * ssh2 drops all requests behind the first exit status, so that a server's keepalives would stay without an answer
   * while something else than the command keeps the channel open. As in ssh (clientloop.c, client_input_channel_req)
   * the last exit status counts, also beside a signal.
   */
  #guardRequests(handlers: Handlers): void {
    const { CHANNEL_REQUEST: take } = handlers;
    handlers.CHANNEL_REQUEST = (self, recipient, type, wantsReply, data) => {
      const channel = this.#channels.get(recipient);
      const isClosed = isOpen(channel) && hasClosed(channel);
      const go = () => take(self, recipient, type, wantsReply && !isClosed, data);
      if (!isOpen(channel)) return go();
      const exit = channel._exit;
      const told = exit.code;
      if (type === "exit-signal" && typeof told === "number") return;
      exit.code = undefined;
      go();
      if (exit.code === undefined) exit.code = told;
    };
  }

  /**
   * The channel for the data. Undefined when no channel takes the data, or when the data is more than the window
   * allows.
   */
  #takerOf(recipient: number, data: Uint8Array): ChannelView | undefined {
    const channel = this.#channels.get(recipient);
    // After an EOF or our own CLOSE the data is dropped. Data that was already on its way is no fault of the server.
    if (!isOpen(channel) || channel.incoming.state !== "open" || hasClosed(channel)) return undefined;
    if (data.length <= channel.incoming.window) return channel;
    distrust(channel, "sent more than the window of the channel allows");
    return undefined;
  }
}

/** Servers offer 16 KiB and more. A server that takes less than this number wants every byte to cost a packet. */
export const fewestPacketBytes = 256;

function isOpen(channel: ChannelView | Opened | null | undefined): channel is ChannelView {
  return typeof channel === "object" && channel !== null;
}

function hasClosed({ outgoing }: ChannelView): boolean {
  return outgoing.state === "closing" || outgoing.state === "closed";
}

/** Tells the channel's owner why and closes the channel. Later data on the channel is dropped. */
function distrust(channel: ChannelView | Opened | null | undefined, what: string): void {
  if (!isOpen(channel)) return;
  if (channel.listenerCount("error") > 0) channel.emit("error", new ChannelFault(`the server ${what}`));
  channel.close();
  // ssh2 forgets the channel only after the channel's end was read.
  channel.resume();
}

/** SSH_EXTENDED_DATA_STDERR (RFC 4254, section 5.2). */
const stderrType = 1;
/** A stream that takes all data and keeps nothing. */
const nowhere: StreamView = { readableLength: 0, read: () => null, push: () => true };
