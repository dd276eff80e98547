/**
 * What listeners do when no descriptor is left ("too many open files"). As with ssh those who connect wait in the kernel
 * until others end (channels.c, port_open: accept(2) fails, and is tried again later). Bun 1.4.5 has no pause for a
 * listener and tries without one, at the cost of a whole processor: here the event loop is slowed down while it does.
 */
import { closeSync, openSync, readFileSync } from "node:fs";
import { devNull } from "node:os";
import { PorthopError } from "../errors.ts";
import { errnoOf } from "./socket-failure.ts";

/** A connection that was accepted. */
export interface Arrival {
  /** It takes a second descriptor: its target is dialed from here. */
  readonly dials: boolean;
  serve(): void;
  refuse(reason: PorthopError): void;
}

/** The world, for tests. */
export interface DescriptorSystem {
  /** Takes one descriptor; undefined when there is none. */
  take(): number | undefined;
  give(descriptor: number): void;
  /** What else waits goes on meanwhile: nothing. */
  sleep(ms: number): void;
  /** Calls in the next turn of the event loop. */
  next(turn: () => void): void;
  now(): number;
  /** As text; undefined where it is not known. */
  readonly limit: string | undefined;
  /** Whether those who connect wait while accept(2) fails. Deno's listener is deaf from then on, and Node drops them. */
  readonly waits: boolean;
}

/** Kept for what porthop itself has to open while listeners would take all. */
const reserved = 6;
/** How many are to be free where nobody may come when there is none. Deno closes and accepts in an order of its own. */
const margin = 8;
/** A turn of the event loop that is over sooner carried nothing. */
const idleMs = 0.2;
/** The loop sleeps no longer than this: what flows carry waits for it. */
const longestPauseMs = 10;
const shortestPauseMs = 0.5;
/** Said again only after so long a time with room. */
const quietMs = 60_000;
/** For a thread to open what it has to. */
const headStartMs = 2;

export class Descriptors {
  readonly #system: DescriptorSystem;
  #listeners = 0;
  #warn: (text: string) => void = () => {};
  #limit: string | undefined;
  /** Held open, to be closed when one is needed. */
  readonly #spare: number[] = [];
  #reserve = 0;
  /** Connections that are going to dial, and how many descriptors they have taken for it. */
  #promised = 0;
  #spent = 0;
  #waiting: Arrival[] = [];
  #isFull = false;
  #lastFull = Number.NEGATIVE_INFINITY;
  #woke = 0;
  #pauseMs = shortestPauseMs;

  constructor(system: DescriptorSystem) {
    this.#system = system;
  }

  /** A listener is up. To be told of its end. */
  enter(warn: (text: string) => void): () => void {
    this.#warn = warn;
    // In a shortage it could not be read.
    this.#limit = this.#system.limit;
    this.#listeners += 1;
    if (this.#listeners === 1) this.#fillReserve();
    this.#look();
    return () => {
      this.#listeners -= 1;
      if (this.#listeners === 0) this.#letGo();
    };
  }

  /** Serves the connection, at once or when there is room. Each that dials is to be told of as `settled`. */
  admit(arrival: Arrival): void {
    if (!this.#system.waits) {
      this.#admitOrRefuse(arrival);
      return;
    }
    if (!arrival.dials) arrival.serve();
    else if (this.#waiting.length === 0 && this.#promise()) arrival.serve();
    else this.#waiting.push(arrival);
    this.#look();
  }

  /** A connection that dials was answered. */
  settled(hasDialed: boolean): void {
    this.#promised -= 1;
    // Whose it was is not known where one was refused: it may have dialed in vain. Of that the reserve takes care.
    const spent = hasDialed ? this.#spent - 1 : this.#spent;
    this.#spent = Math.max(0, Math.min(spent, this.#promised));
    this.#trim();
  }

  /** A socket is about to be opened. False when there is no descriptor for it (Bun says ECONNREFUSED then). */
  dialing(): boolean {
    const isPromised = this.#spent < this.#promised;
    if (isPromised) this.#spent += 1;
    if (isPromised || this.#isFull) this.#giveOne();
    return this.hasRoom();
  }

  /** One was opened, so that fewer are left. */
  dialed(): void {
    this.#look();
  }

  /** A socket was closed: whoever waits here comes before whoever waits in the kernel. */
  freed(): void {
    if (!this.#isFull) return;
    this.#pauseMs = shortestPauseMs;
    this.#serveWaiting();
  }

  /** `start` sets a thread to work that opens files and sockets for a moment (a lookup). */
  lend<T>(start: () => T): T {
    if (!this.#isFull) return start();
    while (this.#spare.length > 0) this.#giveOne();
    const started = start();
    // The listeners, which this holds up too, would be quicker.
    this.#system.sleep(headStartMs);
    this.#restock();
    return started;
  }

  hasRoom(count = 1): boolean {
    const taken: number[] = [];
    while (taken.length < count) {
      const descriptor = this.#system.take();
      if (descriptor === undefined) break;
      taken.push(descriptor);
    }
    for (const descriptor of taken) this.#system.give(descriptor);
    return taken.length === count;
  }

  /** A thread that opened something since then may have found no descriptor. */
  wasFullSince(moment: number): boolean {
    return this.#lastFull >= moment;
  }

  get #wanted(): number {
    return this.#reserve + this.#promised - this.#spent;
  }

  #serveWaiting(): void {
    this.#restock();
    while (this.#waiting.length > 0 && this.#promise()) this.#waiting.shift()?.serve();
  }

  #promise(): boolean {
    this.#promised += 1;
    if (this.#restock()) return true;
    this.#promised -= 1;
    return false;
  }

  /** Whether all that is wanted is there. */
  #restock(): boolean {
    while (this.#spare.length < this.#wanted) {
      const descriptor = this.#system.take();
      if (descriptor === undefined) return false;
      this.#spare.push(descriptor);
    }
    return true;
  }

  #trim(): void {
    while (this.#spare.length > Math.max(this.#wanted, 0)) this.#giveOne();
  }

  #giveOne(): void {
    const descriptor = this.#spare.pop();
    if (descriptor !== undefined) this.#system.give(descriptor);
  }

  /** Where there are few it is half of them. */
  #fillReserve(): void {
    if (!this.#system.waits) return;
    this.#reserve = 2 * reserved;
    this.#restock();
    this.#reserve = Math.floor(this.#spare.length / 2);
    this.#trim();
  }

  #letGo(): void {
    for (const { refuse } of this.#waiting.splice(0)) refuse(new PorthopError("cancelled", "porthop is stopping"));
    this.#reserve = 0;
    this.#trim();
  }

  #admitOrRefuse(arrival: Arrival): void {
    if (this.hasRoom(margin + this.#promised - this.#spent)) {
      if (arrival.dials) this.#promised += 1;
      arrival.serve();
      return;
    }
    this.#say("are refused");
    arrival.refuse(new PorthopError("cancelled", "too many open files"));
  }

  #look(): void {
    if (this.#isFull || this.#listeners === 0 || !this.#system.waits) return;
    if (this.#waiting.length === 0 && this.hasRoom()) return;
    this.#isFull = true;
    this.#say("wait");
    this.#system.next(this.#turn);
  }

  #say(how: string): void {
    const now = this.#system.now();
    const isNews = now - this.#lastFull > quietMs;
    this.#lastFull = now;
    if (!isNews) return;
    const which = this.#limit === undefined ? "" : `, ${this.#limit}`;
    this.#warn(`too many open files: new connections ${how} until others end (ulimit -n${which})`);
  }

  readonly #turn = (): void => {
    this.#serveWaiting();
    this.#lastFull = this.#system.now();
    if (this.#listeners === 0 || (this.#waiting.length === 0 && this.hasRoom())) {
      this.#isFull = false;
      return;
    }
    this.#pause();
    this.#system.next(this.#turn);
  };

  /** Longer and longer while nothing happens; not at all while there is something to carry. */
  #pause(): void {
    const isIdle = this.#system.now() - this.#woke < idleMs;
    this.#pauseMs = isIdle ? Math.min(this.#pauseMs * 1.5, longestPauseMs) : shortestPauseMs;
    if (isIdle) this.#system.sleep(this.#pauseMs);
    this.#woke = this.#system.now();
  }
}

/** Where there is no such file (a bare chroot) nothing is kept, and nobody is held up. */
const none = -1;
const cell = new Int32Array(new SharedArrayBuffer(4));

/** Of this process. */
export const descriptors = new Descriptors({
  take() {
    try {
      return openSync(devNull, "r");
    } catch (error) {
      const errno = errnoOf(error);
      return errno === "EMFILE" || errno === "ENFILE" ? undefined : none;
    }
  },
  give(descriptor) {
    if (descriptor !== none) closeSync(descriptor);
  },
  sleep: (ms) => void Atomics.wait(cell, 0, 0, ms),
  next: (turn) => void setImmediate(turn),
  now: () => performance.now(),
  get limit() {
    return limitOfFiles();
  },
  waits: "bun" in process.versions,
});

/** proc(5): the soft limit stands first. The runtimes raise it to the hard one as they start. */
function limitOfFiles(): string | undefined {
  try {
    return /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1];
  } catch {
    return undefined;
  }
}
