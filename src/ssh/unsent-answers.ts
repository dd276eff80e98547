/**
 * Counts the bytes of answers to the server that wait to be sent: replies, refusals, keepalives. A hostile server may
 * ask on and on and never read the answers; our memory would fill with them. While too many answers wait, nothing more
 * is read from the server. Data of our own does not count, so a slow upload never stops a download.
 */
import type { Duplex } from "node:stream";
import type { Ports } from "./ssh2/ports.ts";
import type { Outgoing } from "./transport.ts";

/** An answer has about 40 bytes. Only a server that does not read leaves this many bytes of answers waiting. */
const mostBytes = 1024 * 1024;
/**
 * Answers that are closer together than this in the outgoing bytes are counted as one entry, which keeps the list
 * short.
 */
const mergedBytes = 16 * 1024;
/**
 * ssh2 holds answers back during a key exchange, and their size is not known yet. This is about the size of one answer.
 */
const heldBytes = 64;

interface Sent {
  /** The position of the last byte of these answers, counted in all bytes that the stream was given. */
  end: number;
  bytes: number;
}

type AnswerPorts = Pick<Ports, "onAnswer" | "isHolding">;

export class Answers {
  readonly #stream: Duplex;
  readonly #outgoing: Outgoing;
  readonly #ports: AnswerPorts;
  readonly #sent: Sent[] = [];
  #sentBytes = 0;
  #held = 0;
  #isStalled = false;

  constructor(ports: AnswerPorts, stream: Duplex, outgoing: Outgoing) {
    this.#ports = ports;
    this.#stream = stream;
    this.#outgoing = outgoing;
    ports.onAnswer((send) => {
      const before = outgoing.given;
      send();
      this.#count(outgoing.given - before);
    });
    stream.on("drain", () => this.#goOn());
  }

  /** True while nothing is read from the server, because the server does not read the answers. */
  get isStalled(): boolean {
    return this.#isStalled;
  }

  /** How many bytes of answers wait to be sent. */
  get waitingBytes(): number {
    if (this.#held > 0 && !this.#ports.isHolding) {
      this.#add(this.#held);
      this.#held = 0;
    }
    this.#forgetSent();
    return this.#sentBytes + this.#held;
  }

  #count(bytes: number): void {
    if (bytes > 0) this.#add(bytes);
    else if (this.#ports.isHolding) this.#held += heldBytes;
    // The first comparison is cheap. The true number is computed only when this sum is high.
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
