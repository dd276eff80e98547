/**
 * Notices a server that no longer answers, by ssh's rules (OpenSSH: clientloop.c, server_alive_check): any bytes from
 * the server prove that it is alive, and it is given up at interval x (count + 1) after the last ones. ssh2 1.17.0
 * counts only the answers to its own questions, which on a slow line wait behind all other data; so its timer is off.
 */
import type { Ports } from "./ssh2/ports.ts";
import type { Traffic } from "./traffic.ts";
import type { Outgoing } from "./transport.ts";

export interface KeepAliveSettings {
  /** ServerAliveInterval. When it is 0, only a probe asks. */
  readonly keepAliveIntervalMs: number;
  /** ServerAliveCountMax. When it is 0, the server is given up without a question, as in ssh. */
  readonly keepAliveCountMax: number;
}

export interface KeepAliveDeps {
  readonly ports: Pick<Ports, "ping">;
  readonly traffic: Pick<Traffic, "heardMs">;
  readonly outgoing: Outgoing;
  /** Called once. */
  giveUp(): void;
}

export interface AliveClock {
  now(): number;
  /** Runs `act` after the time, unless the result is called before. */
  after(ms: number, act: () => void): () => void;
}

/**
 * A process that was stopped, or had no processor for a while, finds its timers due before it has read what came
 * meanwhile. So long it reads before it gives up.
 */
const readingMs = 50;

export class KeepAlive {
  readonly #deps: KeepAliveDeps;
  readonly #clock: AliveClock;
  readonly #intervalMs: number;
  readonly #countMax: number;
  /** The first question since the server was last heard, and how many intervals passed in silence. */
  #question: Question | undefined;
  #unanswered = 0;
  #askedMs = Number.NEGATIVE_INFINITY;
  #isOver = false;
  #stopTimer = () => {};

  /** Make this when the session is ready: before that another limit counts. */
  constructor(settings: KeepAliveSettings, deps: KeepAliveDeps, clock: AliveClock = systemClock) {
    this.#deps = deps;
    this.#clock = clock;
    this.#intervalMs = settings.keepAliveIntervalMs;
    this.#countMax = settings.keepAliveCountMax;
    if (this.#intervalMs > 0) this.#wait(this.#intervalMs);
  }

  /** Asks now. The server is given up when nothing at all comes from it within this time. */
  probe(withinMs: number): void {
    if (this.#isOver) return;
    const question = this.#ask();
    const look = () => {
      if (this.#isOver || this.#hasHeardSince(question.askedMs)) return;
      if (question.isStillHere()) this.#clock.after(withinMs, look);
      else this.#giveUpUnless(question.askedMs, () => {});
    };
    this.#clock.after(withinMs, look);
  }

  /** Call this when the session is over. */
  stop(): void {
    this.#isOver = true;
    this.#stopTimer();
  }

  #wait(ms: number): void {
    this.#stopTimer = this.#clock.after(ms, () => this.#look());
  }

  #look(): void {
    if (this.#isOver) return;
    if (this.#hasHeardSince(this.#askedMs)) this.#unanswered = 0;
    const silentSinceMs = Math.max(this.#deps.traffic.heardMs, this.#askedMs);
    const leftMs = silentSinceMs + this.#intervalMs - this.#clock.now();
    if (leftMs > 0) {
      this.#wait(leftMs);
    } else if (this.#unanswered > 0 && this.#question?.isStillHere() === true) {
      this.#unanswered = 1;
      this.#askedMs = this.#clock.now();
      this.#wait(this.#intervalMs);
    } else if (this.#unanswered >= this.#countMax) {
      this.#giveUpUnless(silentSinceMs, () => this.#look());
    } else {
      this.#askAgain();
      this.#wait(this.#intervalMs);
    }
  }

  #askAgain(): void {
    const question = this.#ask();
    if (this.#unanswered === 0) this.#question = question;
    this.#unanswered += 1;
    this.#askedMs = question.askedMs;
  }

  #ask(): Question {
    const question = new Question(this.#deps.outgoing, this.#clock.now());
    // It rejects when the session ends before the answer.
    this.#deps.ports.ping().catch(() => {});
    return question;
  }

  #hasHeardSince(ms: number): boolean {
    return this.#deps.traffic.heardMs > ms;
  }

  #giveUpUnless(silentSinceMs: number, goOn: () => void): void {
    this.#clock.after(readingMs, () => {
      if (this.#isOver) return;
      if (this.#hasHeardSince(silentSinceMs)) return goOn();
      this.stop();
      this.#deps.giveUp();
    });
  }
}

const systemClock: AliveClock = {
  now: () => performance.now(),
  after(ms, act) {
    const timer = setTimeout(act, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/**
 * On a line of a few kilobytes a second, a question may stand for minutes behind data that the line is still to take.
 * While this data leaves, the line is alive and the server was not asked yet. Here we know better than ssh, which gives
 * up. It is seen only as far as the stream tells it: by whole batches of writes, and not in the system's own buffer.
 */
class Question {
  readonly askedMs: number;
  readonly #outgoing: Outgoing;
  /** Where the question stands in all bytes of the session. */
  readonly #position: number;
  #sent: number;

  constructor(outgoing: Outgoing, askedMs: number) {
    this.askedMs = askedMs;
    this.#outgoing = outgoing;
    this.#position = outgoing.given;
    this.#sent = outgoing.sent;
  }

  /** True when data before the question has left since the last call, and until then not all of it had. */
  isStillHere(): boolean {
    const { sent } = this.#outgoing;
    const isMoving = this.#sent < this.#position && sent > this.#sent;
    this.#sent = sent;
    return isMoving;
  }
}
