/**
 * sshd before 10.1 leaves Nagle's algorithm on where there is no session channel: a small write of a target waits until the
 * one before is acknowledged, and TCP delays that by up to 44 ms when nothing travels back. So a small read is answered at
 * once with the window that it used (RFC 4254, section 5.2), which every server takes, and which carries the acknowledgment.
 */
import type { Duplex } from "node:stream";
import type { Client } from "ssh2";
import { openWindow, type WindowedChannel } from "./channel/window.ts";
import type { Outgoing } from "./transport.ts";

/** More than this in one packet is no small write. */
const smallBytes = 4096;
/** A flow that brings more than `bulkBytes` in `bulkMs` keeps acknowledgments coming by itself. */
const bulkBytes = 64 * 1024;
const bulkMs = 100;
/** How long a word of ours may take that was to come anyway. */
const conversationMs = 1;

export function needsNagleCure(serverSoftware: string): boolean {
  const version = /^OpenSSH_(\d+)\.(\d+)/.exec(serverSoftware);
  if (version === null) return false;
  const [major, minor] = [Number(version[1]), Number(version[2])];
  return major < 10 || (major === 10 && minor < 1);
}

/** Call it when the session is ready: by then ssh2 listens to the stream. */
export function answerSmallReads(
  client: Client,
  stream: Duplex,
  outgoing: Outgoing,
  now = () => performance.now(),
): void {
  const { _protocol: protocol, _chanMgr: channels } = client as unknown as Partial<ClientInternals>;
  if (protocol === undefined || channels === undefined) return;
  const traffic = new Traffic(now);
  const { _handlers: handlers } = protocol;
  const { CHANNEL_DATA: take, CHANNEL_OPEN_CONFIRMATION: confirm } = handlers;
  /** The channel of the last small packet, until it is answered. */
  let unanswered: number | undefined;
  handlers.CHANNEL_DATA = (self, recipient, data) => {
    const isSmall = traffic.isSmall(data.length);
    take(self, recipient, data);
    // Now it is known that there is such a channel.
    if (isSmall) unanswered = recipient;
  };
  // A target that speaks first waits in the same way, for this packet was small.
  handlers.CHANNEL_OPEN_CONFIRMATION = (self, info) => {
    confirm(self, info);
    unanswered = info.recipient;
  };
  const answers = new Delayed(now, () => {
    const channel = unanswered === undefined ? undefined : channels.get(unanswered);
    unanswered = undefined;
    // Whatever was written meanwhile carries the acknowledgment as well.
    if (outgoing.given === given && typeof channel === "object" && channel !== null) acknowledge(channel);
    given = outgoing.given;
  });
  let given = outgoing.given;
  stream.on("data", () => {
    if (unanswered === undefined) return;
    // In a conversation the next word is ours and comes soon; to who goes on without one each word is answered at once.
    const isConversation = outgoing.given !== given;
    given = outgoing.given;
    if (isConversation) answers.after(conversationMs);
    else answers.soon();
  });
}

/** One thing to do, now or later: asked for anew, it is put off. */
class Delayed {
  readonly #now: () => number;
  readonly #act: () => void;
  #dueMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(now: () => number, act: () => void) {
    this.#now = now;
    this.#act = act;
  }

  /** In the next turn: what was read is passed on first, and what waited for its channel may follow. */
  soon(): void {
    this.#dueMs = 0;
    setImmediate(this.#act);
  }

  after(ms: number): void {
    this.#dueMs = this.#now() + ms;
    // A timer for each of thousands of small reads would cost more than the packet.
    this.#timer ??= setTimeout(() => this.#look(), ms).unref();
  }

  #look(): void {
    this.#timer = undefined;
    const leftMs = this.#dueMs - this.#now();
    if (leftMs > 0) this.after(leftMs);
    else if (this.#dueMs > 0) this.#act();
  }
}

function acknowledge(channel: WindowedChannel): void {
  const { outgoing, _client: client } = channel;
  if (outgoing.state !== "open" && outgoing.state !== "eof") return;
  // Where nothing was read, as at the beginning, it is opened by nothing: sshd takes that too (channels.c).
  if (!openWindow(channel, 1)) client._protocol.channelWindowAdjust(outgoing.id, 0);
}

/** Tells the small packets of a conversation from those of a bulk transfer. */
class Traffic {
  readonly #now: () => number;
  #sinceMs = 0;
  #bytes = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  isSmall(bytes: number): boolean {
    const nowMs = this.#now();
    if (nowMs - this.#sinceMs > bulkMs) {
      this.#sinceMs = nowMs;
      this.#bytes = 0;
    }
    this.#bytes += bytes;
    return bytes <= smallBytes && this.#bytes <= bulkBytes;
  }
}

/** What ssh2's types do not show (ssh2 1.17.0, lib/client.js and lib/protocol/Protocol.js). */
interface ClientInternals {
  readonly _protocol: {
    readonly _handlers: {
      CHANNEL_DATA: (self: unknown, recipient: number, data: Uint8Array) => void;
      CHANNEL_OPEN_CONFIRMATION: (self: unknown, info: { readonly recipient: number }) => void;
    };
  };
  readonly _chanMgr: { get(recipient: number): WindowedChannel | ((...answer: never[]) => void) | null | undefined };
}
