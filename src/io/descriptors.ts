/**
 * What listeners do when no file descriptor is left ("too many open files"). As with ssh, new
 * clients wait in the kernel until other connections end (channels.c, port_open: accept(2) fails,
 * and is tried again later). Bun 1.4.5 tries again without any pause, which takes a whole processor.
 * So the event loop is slowed down until a descriptor is free.
 */
import { PorthopError } from "../errors.ts";
import { type DescriptorSystem, descriptorSystem } from "./descriptor-system.ts";

/** A connection that was accepted. */
export interface Arrival {
  /** True when the connection takes a second descriptor, because this machine dials its target. */
  readonly dials: boolean;
  serve(): void;
  refuse(reason: PorthopError): void;
}

/** How many descriptors are kept for porthop's own files and sockets, because the listeners would take all of them. */
const reserved = 6;
/**
 * How many must be free to serve a client where clients do not wait. Deno closes and accepts in an order of its own.
 */
const margin = 8;
/** While fewer are free, each one that is used is followed by a look whether one is left. */
const plenty = 1000;
/** How long a count of the free ones holds. */
const countHoldsMs = 5000;
/** A turn of the event loop that takes less time carried no data. */
const idleMs = 0.2;
/** The longest sleep of the event loop: the data of all flows waits meanwhile. */
const longestPauseMs = 10;
const shortestPauseMs = 0.5;
/** The message about too many open files comes again only after descriptors were free for so long. */
const quietMs = 60_000;
/** The time for a thread to open its files and sockets. */
const headStartMs = 2;

export class Descriptors {
  readonly #system: DescriptorSystem;
  #listeners = 0;
  #warn: (text: string) => void = () => {};
  #limit: string | undefined;
  /** Descriptors that are held open, and closed when porthop needs one. */
  readonly #spare: number[] = [];
  #reserve = 0;
  /** How many served connections are going to dial, and how many descriptors they have taken for their dials. */
  #promised = 0;
  #spent = 0;
  /** After so many are used, the free ones are counted again. */
  #usesToCount = 0;
  #isPlenty = false;
  #countedMs = 0;
  #waiting: Arrival[] = [];
  #isFull = false;
  #lastFull = Number.NEGATIVE_INFINITY;
  #woke = 0;
  #pauseMs = shortestPauseMs;

  constructor(system: DescriptorSystem) {
    this.#system = system;
  }

  /** Call this when a listener is up, and the returned function when the listener ends. */
  enter(warn: (text: string) => void): () => void {
    this.#warn = warn;
    // Read now, because reading the limit takes a descriptor.
    this.#limit = this.#system.limit;
    this.#listeners += 1;
    if (this.#listeners === 1) this.#fillReserve();
    this.#look();
    return () => {
      this.#listeners -= 1;
      if (this.#listeners === 0) this.#letGo();
    };
  }

  /**
   * Serves the connection, at once or when there is room, or refuses it. Call `settled` for each served one that dials.
   */
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

  /** Call this when a served connection that dials was accepted (`hasDialed`) or refused. */
  settled(hasDialed: boolean): void {
    this.#promised -= 1;
    // It is not known whether a refused connection took a descriptor for a dial in vain. The reserve covers the error.
    const spent = hasDialed ? this.#spent - 1 : this.#spent;
    this.#spent = Math.max(0, Math.min(spent, this.#promised));
    this.#trim();
  }

  /** Call this before a socket is opened. False when there is no descriptor for it: Bun would say ECONNREFUSED then. */
  dialing(): boolean {
    const isPromised = this.#spent < this.#promised;
    if (isPromised) this.#spent += 1;
    if (isPromised || this.#isFull) this.#giveOne();
    return this.#hasPlenty() || this.hasRoom();
  }

  /** Call this after a socket was opened, because one descriptor less is left. */
  dialed(): void {
    this.#look();
  }

  /**
   * Call this after a socket was closed: connections that wait here are served before clients that wait in the kernel.
   */
  freed(): void {
    if (!this.#isFull) return;
    this.#pauseMs = shortestPauseMs;
    this.#serveWaiting();
  }

  /** Frees the held descriptors for `start`, which lets a thread open files and sockets for a moment (a lookup). */
  lend<T>(start: () => T): T {
    if (!this.#isFull) return start();
    while (this.#spare.length > 0) this.#giveOne();
    const started = start();
    // The sleep also blocks the listeners, which would otherwise take the descriptors before the thread does.
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

  /**
   * Whether descriptors ran out after `moment` (in ms, as `now`):
   * a thread that opened a file since then may have failed.
   */
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

  /** Takes descriptors until the wanted number is held. Returns false when there are not so many. */
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

  /** The reserve is `reserved` descriptors, or half of the free ones when fewer than twice that number are free. */
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
    if (this.#hasPlenty() || this.hasRoom(margin + this.#promised - this.#spent)) {
      if (arrival.dials) this.#promised += 1;
      arrival.serve();
      return;
    }
    this.#forgetCount();
    this.#say("are refused");
    arrival.refuse(new PorthopError("cancelled", "too many open files"));
  }

  #look(): void {
    if (this.#isFull || this.#listeners === 0 || !this.#system.waits) return;
    if (this.#waiting.length === 0 && (this.#hasPlenty() || this.hasRoom())) return;
    this.#isFull = true;
    this.#forgetCount();
    this.#say("wait");
    this.#system.next(this.#turn);
  }

  /**
   * Call this for each descriptor that is used. True when so many are free that the system need not be asked: they are
   * counted, and again when a quarter of the free ones has been used, or the count is old. Nobody counts what else
   * porthop opens meanwhile, and somebody may lower the limit; the other three quarters are for that.
   */
  #hasPlenty(): boolean {
    if (this.#isFull) return false;
    const isOld = this.#isPlenty && this.#system.now() - this.#countedMs > countHoldsMs;
    if (this.#usesToCount === 0 || isOld) {
      this.#countedMs = this.#system.now();
      const free = this.#system.count();
      this.#isPlenty = free >= plenty;
      this.#usesToCount = this.#isPlenty ? Math.floor(free / 4) : plenty;
    }
    this.#usesToCount -= 1;
    return this.#isPlenty;
  }

  /** Descriptors were seen to be short: for a while the system is asked each time. */
  #forgetCount(): void {
    this.#isPlenty = false;
    this.#usesToCount = plenty;
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

  /** Sleeps longer and longer while no flow has data to carry, and not at all while one has. */
  #pause(): void {
    const isIdle = this.#system.now() - this.#woke < idleMs;
    this.#pauseMs = isIdle ? Math.min(this.#pauseMs * 1.5, longestPauseMs) : shortestPauseMs;
    if (isIdle) this.#system.sleep(this.#pauseMs);
    this.#woke = this.#system.now();
  }
}

/** The descriptors of this process. */
export const descriptors = new Descriptors(descriptorSystem);
