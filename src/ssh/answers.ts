/**
 * Counts what answers the server and waits to be sent: replies, refusals, keepalives. A server that asks and asks and does
 * not read the answers would have us keep them all; while too much of it waits, nothing more is read. What we send of our
 * own does not count, so that an upload on a slow line never holds up a download.
 */
import type { Duplex } from "node:stream";
import type { Ports } from "./ssh2/ports.ts";
import type { Outgoing } from "./transport.ts";

/** An answer has some 40 bytes: so many wait for nobody who reads. */
const mostBytes = 1024 * 1024;
/** Answers that stand closer together in what goes out are counted as one. */
const mergedBytes = 16 * 1024;
/** What is held back during a key exchange has no place yet; about the size of an answer. */
const heldBytes = 64;

interface Sent {
  /** Where they end in all that was given to the stream. */
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

  /** Nothing is read from the server, which does not read either. */
  get isStalled(): boolean {
    return this.#isStalled;
  }

  /** How many bytes of answers wait. */
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
