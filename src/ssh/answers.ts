/**
 * Counts what answers the server and waits to be sent: replies, refusals, keepalives. A server that asks and asks and does
 * not read the answers would have us keep them all; while too much of it waits, nothing more is read. What we send of our
 * own does not count, so that an upload on a slow line never holds up a download.
 */
import type { Duplex } from "node:stream";
import type { Client } from "ssh2";
import type { Outgoing } from "./transport.ts";

/** An answer has some 40 bytes: so many wait for nobody who reads. */
const mostBytes = 1024 * 1024;
/** Answers that stand closer together in what goes out are counted as one. */
const mergedBytes = 16 * 1024;
/** What is held back during a key exchange has no place yet; about the size of an answer. */
const heldBytes = 64;

/** The messages of ssh2 that are sent because the server sent one (lib/protocol/Protocol.js). */
const kinds = [
  ...["requestSuccess", "requestFailure", "channelSuccess", "channelFailure"],
  ...["channelOpenConfirm", "channelOpenFail", "channelWindowAdjust", "channelClose", "authInfoRes"],
] as const;

interface Sent {
  /** Where they end in all that was given to the stream. */
  end: number;
  bytes: number;
}

export class Answers {
  readonly #stream: Duplex;
  readonly #outgoing: Outgoing;
  readonly #protocol: ProtocolInternals | undefined;
  readonly #sent: Sent[] = [];
  #sentBytes = 0;
  #held = 0;
  #isStalled = false;

  /** Make it right after `client.connect`. It counts nothing of an ssh2 that looks different. */
  constructor(client: Client, stream: Duplex, outgoing: Outgoing) {
    this.#stream = stream;
    this.#outgoing = outgoing;
    const protocol = (client as unknown as { readonly _protocol?: ProtocolInternals })._protocol;
    this.#protocol = protocol;
    if (protocol === undefined) return;
    for (const kind of kinds) {
      const send = protocol[kind];
      if (send === undefined) continue;
      protocol[kind] = (...words) => {
        const before = outgoing.given;
        send.apply(protocol, words);
        this.#count(outgoing.given - before);
      };
    }
    stream.on("drain", () => this.#goOn());
  }

  /** Nothing is read from the server, which does not read either. */
  get isStalled(): boolean {
    return this.#isStalled;
  }

  /** How many bytes of answers wait. */
  get waitingBytes(): number {
    if (this.#held > 0 && this.#protocol?._queue === undefined) {
      this.#add(this.#held);
      this.#held = 0;
    }
    this.#forgetSent();
    return this.#sentBytes + this.#held;
  }

  #count(bytes: number): void {
    if (bytes > 0) this.#add(bytes);
    else if (this.#protocol?._queue !== undefined) this.#held += heldBytes;
    // Cheap as long as little was given since the last look.
    if (this.#sentBytes + this.#held <= mostBytes || this.#isStalled || this.waitingBytes <= mostBytes) return;
    this.#isStalled = true;
    this.#stream.pause();
  }

  #add(bytes: number): void {
    this.#sentBytes += bytes;
    const end = this.#outgoing.given;
    const last = this.#sent.at(-1);
    if (last !== undefined && end - last.end < mergedBytes && last.bytes < mergedBytes) {
      last.end = end;
      last.bytes += bytes;
    } else {
      this.#forgetSent();
      this.#sent.push({ end, bytes });
    }
  }

  #forgetSent(): void {
    const { sent } = this.#outgoing;
    let gone = 0;
    while (gone < this.#sent.length && (this.#sent[gone]?.end ?? 0) <= sent) gone++;
    for (const { bytes } of this.#sent.splice(0, gone)) this.#sentBytes -= bytes;
  }

  #goOn(): void {
    if (!this.#isStalled || this.waitingBytes > mostBytes / 2) return;
    this.#isStalled = false;
    this.#stream.resume();
  }
}

type Kind = (typeof kinds)[number];

type ProtocolInternals = { [kind in Kind]?: (...words: unknown[]) => void } & {
  /** What waits for the end of a key exchange. */
  readonly _queue?: readonly unknown[] | undefined;
};
