/**
 * Channels that the server opens (RFC 4254, section 7.2). ssh2 decides about some of them without asking, and whoever it asks
 * can refuse with one reason only; here whoever wants a type is asked, says why not, and holds nothing before the answer.
 */
import type { Client, ClientChannel } from "ssh2";
import type { OpenRefusal } from "../ssh-failure.ts";
import { fewestPacketBytes } from "./channel-messages.ts";
import type { ClientView, OpenView } from "./view.ts";

/** Not answered yet: one of the two answers it, once. `accept` throws when the session is over. */
export interface ChannelOpening {
  /** What the server says of it, which may be anything. */
  readonly data: NonNullable<OpenView["data"]>;
  accept(): ClientChannel;
  refuse(refusal: OpenRefusal): void;
}

export interface OpenedChannel {
  readonly type: string;
  readonly data: NonNullable<OpenView["data"]>;
  /** Whether somebody wants channels of its type. */
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

  /** Hands over the channels of this type from now on. */
  take(type: string, taker: (opening: ChannelOpening) => void): void {
    this.#takers.set(type, taker);
  }

  /** Looks at each before it is decided about. */
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

  /** Only for X11 ssh2 asks in a way that has one answer for all, so that is what the channel is shown to it as. */
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
    return channel;
  }

  #refuse({ sender }: OpenView, { reason, text }: OpenRefusal): void {
    this.#view._protocol.channelOpenFail(sender, reason, text);
  }
}

/**
 * An sshd before 6.0 that was to choose the port says 0 for it with each connection (COMPAT.DYN_RPORT_BUG): ssh2 keeps which
 * one it is.
 */
function withTruePort(data: OpenedChannel["data"], forwarding: ClientView["_forwarding"]): OpenedChannel["data"] {
  const destPort = data.destPort === 0 ? forwarding[`${data.destIP}:0`] : undefined;
  return destPort === undefined ? data : { ...data, destPort };
}
