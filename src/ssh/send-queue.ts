/**
 * Keeps short what waits towards sshd. ssh2 itself stops only at the sum of all windows, 2 MiB for each channel, and a
 * small message would wait behind all of it. So a writer waits after its chunk, while more waits than the network takes
 * in a few milliseconds; and the writers go on one after the other, each with one chunk.
 */
import type { Duplex } from "node:stream";
import type { HeardOutgoing } from "./transport.ts";

/** What may wait, as the time that the network takes for it. */
const queueMs = 5;
/** Whatever the network's speed, so much keeps it busy between two turns of the event loop; and so much always does. */
const [fewestBytes, mostBytes] = [128 * 1024, 1024 * 1024];
/** The speed is measured over this time: what the system takes at once into its own buffer is no speed. */
const sampleMs = 10;
/** About the chunk with which a writer goes on (a socket's read). */
const chunkBytes = 64 * 1024;

export class SendQueue {
  readonly #stream: Duplex;
  readonly #outgoing: HeardOutgoing;
  readonly #now: () => number;
  readonly #writers: (() => void)[] = [];
  #mostBytes = fewestBytes;
  /** The sample under way: since when, and what had been sent then. Undefined while nobody waits. */
  #since: { readonly ms: number; readonly sentBytes: number } | undefined;
  #looksAgain = false;

  constructor(stream: Duplex, outgoing: HeardOutgoing, now = () => performance.now()) {
    this.#stream = stream;
    this.#outgoing = outgoing;
    this.#now = now;
    outgoing.onSent(() => this.#goOn());
    stream.on("close", () => this.#goOn());
  }

  /** Undefined when more may be written at once. Otherwise a promise that resolves when it is this writer's turn. */
  congestion(): Promise<void> | undefined {
    if (this.#stream.destroyed || this.#waitingBytes < this.#mostBytes) return undefined;
    this.#since ??= { ms: this.#now(), sentBytes: this.#outgoing.sent };
    return new Promise((resolve) => this.#writers.push(resolve));
  }

  get #waitingBytes(): number {
    return this.#outgoing.given - this.#outgoing.sent;
  }

  #goOn(): void {
    if (this.#writers.length === 0) return;
    if (this.#stream.destroyed) {
      for (const go of this.#writers.splice(0)) go();
      return;
    }
    this.#measure();
    const room = this.#mostBytes - this.#waitingBytes;
    if (room <= 0) return;
    for (const go of this.#writers.splice(0, Math.ceil(room / chunkBytes))) go();
    if (this.#writers.length === 0) this.#since = undefined;
    else if (this.#waitingBytes === 0) this.#lookAgain();
  }

  /** The writers that went on may have nothing to write. Then nothing is sent, and nobody would tell the others. */
  #lookAgain(): void {
    if (this.#looksAgain) return;
    this.#looksAgain = true;
    setImmediate(() => {
      this.#looksAgain = false;
      this.#goOn();
    });
  }

  #measure(): void {
    if (this.#since === undefined) return;
    const ms = this.#now();
    const passedMs = ms - this.#since.ms;
    if (passedMs < sampleMs) return;
    const sentBytes = this.#outgoing.sent;
    const bytes = ((sentBytes - this.#since.sentBytes) / passedMs) * queueMs;
    this.#mostBytes = Math.min(mostBytes, Math.max(fewestBytes, bytes));
    this.#since = { ms, sentBytes };
  }
}
