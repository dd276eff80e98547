/**
 * One connection through a faulty relay: two sockets, and between them what a good line does (bytes, half-closes and
 * resets pass, a slow reader slows its writer) until the relay tells it to break.
 */
import type { Socket } from "node:net";

export interface Line {
  /** How much later each byte arrives, each way. */
  readonly delayMs?: number;
  /** Each way, for each connection. */
  readonly bytesPerSecond?: number;
}

export class RelayedConnection {
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #ways: readonly [Way, Way];
  readonly #gone: () => void;
  #swallows = false;
  /** A side has broken off while nothing passed. */
  #isBroken = false;

  constructor(near: Socket, far: Socket, line: Line, gone: () => void) {
    this.#near = near;
    this.#far = far;
    this.#gone = gone;
    this.#ways = [new Way(near, far, line), new Way(far, near, line)];
    for (const socket of [near, far]) {
      // A reset is what the test asked for, or what passes here from one side to the other.
      socket.on("error", () => {});
      socket.on("close", () => this.#closed());
    }
  }

  cut(): void {
    for (const way of this.#ways) way.stop();
    for (const socket of [this.#near, this.#far]) {
      // A socket that is still connecting for us may be connected for the kernel already.
      if (socket.connecting) socket.once("connect", () => socket.resetAndDestroy());
      else socket.resetAndDestroy();
    }
    this.#gone();
  }

  finish(): void {
    for (const way of this.#ways) way.stop();
    for (const socket of [this.#near, this.#far]) {
      socket.end();
      socket.resume();
    }
  }

  swallow(): void {
    this.#swallows = true;
    for (const way of this.#ways) way.hold();
  }

  pass(): void {
    this.#swallows = false;
    for (const way of this.#ways) way.release();
    if (this.#isBroken) this.cut();
  }

  #closed(): void {
    const isOver = this.#near.destroyed && this.#far.destroyed;
    if (isOver) this.#gone();
    else if (this.#swallows) this.#isBroken = true;
    // After a FIN of each side the last bytes may still be under way, and then the other side closes by itself.
    else if (!this.#ways.every((way) => way.sawEnd)) this.cut();
  }
}

/** One direction. */
class Way {
  /** Its sender has sent FIN. */
  sawEnd = false;
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #line: Line;
  readonly #timers = new Set<NodeJS.Timeout>();
  /** What came while nothing passed: at most what the socket had read ahead. */
  readonly #held: (() => void)[] = [];
  #underWay = 0;
  #isResting = false;
  #isHeld = false;
  #isStopped = false;

  constructor(from: Socket, to: Socket, line: Line) {
    this.#from = from;
    this.#to = to;
    this.#line = line;
    from.on("data", (chunk: Uint8Array) => this.#carry(chunk));
    from.on("end", () => {
      this.sawEnd = true;
      this.#later(() => to.end());
    });
    to.on("drain", () => this.#flow());
  }

  hold(): void {
    this.#isHeld = true;
    this.#from.pause();
  }

  release(): void {
    this.#isHeld = false;
    for (const deliver of this.#held.splice(0)) deliver();
    this.#flow();
  }

  /** Nothing more passes. */
  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #carry(chunk: Uint8Array): void {
    if (this.#isStopped) return;
    this.#underWay += chunk.length;
    const { bytesPerSecond } = this.#line;
    if (bytesPerSecond !== undefined) this.#rest((chunk.length / bytesPerSecond) * 1000);
    this.#later(() => {
      this.#underWay -= chunk.length;
      this.#to.write(chunk);
      this.#flow();
    });
    this.#flow();
  }

  /** A line of a low speed: the next bytes are read when these have had their time. */
  #rest(ms: number): void {
    this.#from.pause();
    this.#isResting = true;
    this.#after(ms, () => {
      this.#isResting = false;
      this.#flow();
    });
  }

  /** Runs it after the line's delay; while nothing passes it waits. The order stays. */
  #later(deliver: () => void): void {
    const arrive = () => {
      if (this.#isStopped) return;
      if (this.#isHeld) this.#held.push(deliver);
      else deliver();
    };
    const { delayMs } = this.#line;
    if (delayMs === undefined) arrive();
    else this.#after(delayMs, arrive);
  }

  #after(ms: number, what: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      what();
    }, ms);
    this.#timers.add(timer);
  }

  #flow(): void {
    if (this.#isStopped) return;
    const isFull = this.#to.writableNeedDrain || this.#underWay > mostUnderWay;
    if (this.#isHeld || this.#isResting || isFull) this.#from.pause();
    else this.#from.resume();
  }
}

/** What a line with a delay holds at most: 100 MB/s at 100 ms. */
const mostUnderWay = 10_000_000;
