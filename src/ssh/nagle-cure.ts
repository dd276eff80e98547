/**
 * sshd before 10.1 leaves Nagle's algorithm on where there is no session channel: a small packet waits until the small one
 * before is acknowledged, and TCP delays that by up to 44 ms when nothing travels back. So a small read is answered with
 * SSH_MSG_IGNORE (RFC 4253, section 11.2), which carries the acknowledgment, unless something of ours goes out anyway.
 */
import type { Duplex } from "node:stream";
import type { Ports } from "./ssh2/ports.ts";
import type { Outgoing } from "./transport.ts";

/** More than this in one packet of data is no small write. */
const smallBytes = 4096;
/** Flows that bring more than `bulkBytes` in `bulkMs` keep acknowledgments coming by themselves. */
const bulkBytes = 64 * 1024;
const bulkMs = 100;
/** How long a word of ours may take that was to come anyway. */
const conversationMs = 1;
/** So many reads are answered at once after the server was seen to wait for an answer. */
const mostHurried = 32;

export function needsNagleCure(serverSoftware: string): boolean {
  const version = /^OpenSSH_(\d+)\.(\d+)/.exec(serverSoftware);
  if (version === null) return false;
  const [major, minor] = [Number(version[1]), Number(version[2])];
  return major < 10 || (major === 10 && minor < 1);
}

/** Call it when the session is ready: by then ssh2 listens to the stream. */
export function answerSmallReads(
  ports: Pick<Ports, "onPacket" | "onData" | "sendIgnore">,
  stream: Duplex,
  outgoing: Outgoing,
  now = () => performance.now(),
): void {
  const reads = new SmallReads(ports, now);
  /** What had gone out when the last small read came, or was answered. */
  let given = outgoing.given;
  let hurried = 0;
  const answers = new Delayed(now, () => {
    // Whatever was written meanwhile carries the acknowledgment as well, and so does what still waits.
    if (outgoing.given === given && outgoing.sent === given) ports.sendIgnore();
    given = outgoing.given;
  });
  // After ssh2's own listener: what this chunk brought was taken by now, and perhaps answered.
  stream.on("data", () => {
    if (!reads.wasSmall()) return;
    // In a conversation the next word is ours and comes soon: an answer would be a packet for nothing. But who went on
    // without a word of ours had waited for the answer, and will do so again.
    const isConversation = outgoing.given !== given;
    given = outgoing.given;
    if (!isConversation) hurried = mostHurried;
    else if (hurried > 0) hurried -= 1;
    else return answers.after(conversationMs);
    answers.soon();
  });
}

/** Tells the packets of conversations from those of bulk flows, and from parts of packets. */
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

  /** Of the read that is over: some packets came, and none of a bulk flow. */
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

/** One thing to do, in the next turn or a little later: asked for anew, it is put off. */
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

  /** What was read is passed on first, and what waited for its channel may follow. */
  soon(): void {
    this.#dueMs = 0;
    if (this.#isSoon) return;
    this.#isSoon = true;
    setImmediate(this.#actNow);
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
