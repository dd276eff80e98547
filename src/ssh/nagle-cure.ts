/**
 * A cure for sshd before 10.1, which leaves Nagle's algorithm on while there is no session channel. A small packet then
 * waits until the packet before is acknowledged, and TCP delays that acknowledgment by up to 44 ms when nothing else is
 * sent. So a small read is answered with SSH_MSG_IGNORE (RFC 4253, section 11.2), which carries the acknowledgment,
 * unless other data goes out anyway.
 */
import type { Duplex } from "node:stream";
import type { Ports } from "./ssh2/ports.ts";
import type { Outgoing } from "./transport.ts";

/** A packet with more data than this is no small write. */
const smallBytes = 4096;
/** A flow that brings more than `bulkBytes` in `bulkMs` needs no cure: its data keeps acknowledgments coming. */
const bulkBytes = 64 * 1024;
const bulkMs = 100;
/** How long to wait for data of ours that would go out anyway. */
const conversationMs = 1;
/** After the server was seen to wait for an acknowledgment, this many small reads are answered without that wait. */
const mostHurried = 32;

export function needsNagleCure(serverSoftware: string): boolean {
  const version = /^OpenSSH_(\d+)\.(\d+)/.exec(serverSoftware);
  if (version === null) return false;
  const [major, minor] = [Number(version[1]), Number(version[2])];
  return major < 10 || (major === 10 && minor < 1);
}

/** Call this when the session is ready: by then ssh2 listens to the stream. */
export function answerSmallReads(
  ports: Pick<Ports, "onPacket" | "onData" | "sendIgnore">,
  stream: Duplex,
  outgoing: Outgoing,
  now = () => performance.now(),
): void {
  const reads = new SmallReads(ports, now);
  /** The bytes that had gone out at the last small read or its answer. */
  let given = outgoing.given;
  let hurried = 0;
  const answers = new Delayed(now, () => {
    // Data that was written meanwhile, or still waits to go out, carries the acknowledgment too.
    if (outgoing.given === given && outgoing.sent === given) ports.sendIgnore();
    given = outgoing.given;
  });
  // This listener runs after ssh2's own, so the data of this chunk was taken by now and perhaps answered.
  stream.on("data", () => {
    if (!reads.wasSmall()) return;
    // In a conversation our data comes next and soon, and an SSH_MSG_IGNORE would be a packet for nothing. A server
    // that sends again without data of ours in between has waited for the acknowledgment, and will wait again.
    const isConversation = outgoing.given !== given;
    given = outgoing.given;
    if (!isConversation) hurried = mostHurried;
    else if (hurried > 0) hurried -= 1;
    else return answers.after(conversationMs);
    answers.soon();
  });
}

/** Separates small packets of conversations from the packets of bulk flows, and from parts of packets. */
class SmallReads {
  readonly #now: () => number;
  #sinceMs = 0;
  #bytes = 0;
  #packets = 0;
  #hasLarge = false;

  constructor(ports: Pick<Ports, "onPacket" | "onData">, now: () => number) {
    this.#now = now;
    ports.onPacket(() => {
      this.#packets += 1;
    });
    ports.onData((bytes) => this.#count(bytes));
  }

  /** True when the read that just ended brought packets, and none of a bulk flow. Starts the next read. */
  wasSmall(): boolean {
    const isSmall = this.#packets > 0 && !this.#hasLarge;
    this.#packets = 0;
    this.#hasLarge = false;
    return isSmall;
  }

  #count(bytes: number): void {
    const nowMs = this.#now();
    if (nowMs - this.#sinceMs > bulkMs) {
      this.#sinceMs = nowMs;
      this.#bytes = 0;
    }
    this.#bytes += bytes;
    if (bytes > smallBytes || this.#bytes > bulkBytes) this.#hasLarge = true;
  }
}

/** One action that runs soon or a little later. A new request for later moves the time. */
class Delayed {
  readonly #now: () => number;
  readonly #act: () => void;
  #dueMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isSoon = false;
  readonly #actNow = () => {
    this.#isSoon = false;
    this.#act();
  };

  constructor(now: () => number, act: () => void) {
    this.#now = now;
    this.#act = act;
  }

  /**
   * Runs the action in the next turn. What was read is passed on before, and data that waited for the channel may go
   * out.
   */
  soon(): void {
    this.#dueMs = 0;
    if (this.#isSoon) return;
    this.#isSoon = true;
    setImmediate(this.#actNow);
  }

  after(ms: number): void {
    this.#dueMs = this.#now() + ms;
    // One timer serves many small reads. A timer for each would cost more than the packet.
    this.#timer ??= setTimeout(() => this.#look(), ms).unref();
  }

  #look(): void {
    this.#timer = undefined;
    const leftMs = this.#dueMs - this.#now();
    if (leftMs > 0) this.after(leftMs);
    else if (this.#dueMs > 0) this.#act();
  }
}
