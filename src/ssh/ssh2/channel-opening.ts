/**
 * Channels that the server opens (RFC 4254, section 7.2). ssh2 decides about some of them without asking, and allows
 * only one reason for a refusal. Here the code that wants a type of channel is asked, gives a true reason for a
 * refusal, and holds nothing before the answer.
 */
import type { Client, ClientChannel } from "ssh2";
import type { OpenRefusal } from "../ssh-failure.ts";
import { fewestPacketBytes } from "./channel-messages.ts";
import type { ClientView, OpenView } from "./view.ts";
import { viewOfChannel } from "./view-check.ts";
import { beginSending } from "./window.ts";

/** A channel that waits for an answer. Call `accept` or `refuse` once. `accept` throws when the session is over. */
export interface ChannelOpening {
  /** The server's data about the channel. A hostile server may send anything. */
  readonly data: NonNullable<OpenView["data"]>;
  accept(): ClientChannel;
  refuse(refusal: OpenRefusal): void;
}

export interface OpenedChannel {
  readonly type: string;
  readonly data: NonNullable<OpenView["data"]>;
  /** True when some code takes channels of this type. */
  readonly isWanted: boolean;
}

export class ChannelOpenings {
  readonly #client: Client;
  readonly #view: ClientView;
  readonly #decide: (self: unknown, open: OpenView) => void;
  readonly #takers = new Map<string, (opening: ChannelOpening) => void>();
  readonly #watchers: ((opened: OpenedChannel) => void)[] = [];

  constructor(client: Client, view: ClientView) {
    const handlers = view._protocol._handlers;
    this.#client = client;
    this.#view = view;
    this.#decide = handlers.CHANNEL_OPEN;
    handlers.CHANNEL_OPEN = (self, open) => this.#opened(self, open);
  }

  /** From now on `taker` gets the channels of this type. */
  take(type: string, taker: (opening: ChannelOpening) => void): void {
    this.#takers.set(type, taker);
  }

  /** `watcher` sees each channel before the decision about it. */
  watch(watcher: (opened: OpenedChannel) => void): void {
    this.#watchers.push(watcher);
  }

  #opened(self: unknown, open: OpenView): void {
    const { type, packetSize } = open;
    const data = withTruePort(open.data ?? {}, this.#view._forwarding);
    const taker = this.#takers.get(type);
    for (const watcher of this.#watchers) watcher({ type, data, isWanted: taker !== undefined });
    if (packetSize < fewestPacketBytes) {
      this.#refuse(open, { reason: 4, text: `packets of ${packetSize} bytes are too small` });
    } else if (taker === undefined) this.#decide(self, open);
    else {
      const accept = () => this.#accept(self, open);
      taker({ data, accept, refuse: (refusal) => this.#refuse(open, refusal) });
    }
  }

  /** ssh2 opens an X11 channel in a way that works for every type. So the channel is shown to ssh2 as one of X11. */
  #accept(self: unknown, open: OpenView): ClientChannel {
    if (this.#view._protocol._destruct === undefined) throw new Error("the session has ended");
    let channel: ClientChannel | undefined;
    const answer = (_info: unknown, accept: () => ClientChannel) => {
      channel = accept();
    };
    this.#client.once("x11", answer);
    this.#view._acceptX11 = 1;
    try {
      this.#decide(self, { ...open, type: "x11" });
    } finally {
      this.#view._acceptX11 = 0;
      this.#client.removeListener("x11", answer);
    }
    if (channel === undefined) throw new Error("there is no number left for a channel");
    beginSending(viewOfChannel(channel), open.window);
    return channel;
  }

  #refuse({ sender }: OpenView, { reason, text }: OpenRefusal): void {
    this.#view._protocol.channelOpenFail(sender, reason, text);
  }
}

/**
 * An sshd before 6.0 that chose the port itself sends port 0 with each connection (COMPAT.DYN_RPORT_BUG). ssh2
 * remembers the true port.
 */
function withTruePort(data: OpenedChannel["data"], forwarding: ClientView["_forwarding"]): OpenedChannel["data"] {
  const destPort = data.destPort === 0 ? forwarding[`${data.destIP}:0`] : undefined;
  return destPort === undefined ? data : { ...data, destPort };
}
