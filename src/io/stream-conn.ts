/**
 * A Node stream (socket or SSH channel) as a Conn. Bytes come by `data` events and pauses, a clean end stays a clean
 * end, a break breaks both halves, and no write waits for a peer that is gone. `stream.pipeline`, `finished` and `for
 * await` are not used, because they destroy the writable half at the end of the readable half.
 */
import { type Duplex, Readable } from "node:stream";
import type { PorthopError } from "../errors.ts";
import type { Conn } from "../flow/conn.ts";
import type { Chunk } from "../plugin.ts";

/** Unread bytes held before the stream is paused. */
const readAheadBytes = 256 * 1024;
/** Written bytes that may wait in the stream before `write` makes its caller wait. */
const writeAheadBytes = 256 * 1024;

export interface StreamTraits {
  /**
   * True when the connection may have to wait for its target. Until `joined` only what is asked for is taken from the
   * stream. Meanwhile the stream itself reads up to its own mark (64 KiB; 16 KiB under Node 20) and the read that
   * passes it: a peer that breaks the connection is noticed by these reads. The kernel keeps the rest.
   */
  readonly mayWait?: boolean;
  /** Breaks the stream at once, so that the peer sees a break and no clean end. */
  reset(): void;
  /**
   * Closes the stream cleanly after our half has ended. Calls `ended` when the peer's half is not waited for any more.
   */
  close(ended: () => void): void;
  /** Asked at the end of the peer's half: the reason when it is no clean end, else undefined. */
  endedBy?(): PorthopError | undefined;
  /** The PorthopError for an `error` event of the stream, or for a close without one (then `error` is undefined). */
  translate(error: unknown): PorthopError;
  /** True when the writes of one turn of the event loop must go out together. */
  readonly corks?: boolean;
  /** When the layer below the stream is full: resolves when more may be written. Undefined when there is room. */
  congestion?(): Promise<void> | undefined;
}

interface Waiting<T> {
  resolve(value: T): void;
  reject(error: PorthopError): void;
}

export class StreamConn implements Conn {
  readonly #stream: Duplex;
  readonly #traits: StreamTraits;
  readonly #unread: Chunk[] = [];
  #unreadBytes = 0;
  #peerEnded = false;
  /** We have ended our half. */
  #ending = false;
  #broken: PorthopError | undefined;
  #reader: Waiting<Chunk | undefined> | undefined;
  #toldBroken: ((reason: PorthopError) => void) | undefined;
  #toldGone: (() => void) | undefined;
  readonly #writers = new Set<Waiting<void>>();
  /** The callers of `end`, which wait until our half has ended. */
  #enders: Waiting<void>[] = [];
  #finished = false;
  /** `close` was called. */
  #closing = false;
  #corked = false;
  /**
   * Set when the peer closed after a clean end of its half: nothing can be written any more, but nothing was lost yet.
   */
  #gone: PorthopError | undefined;
  /** `joined` has to be called before the conn reads ahead by itself. */
  #isWaiting: boolean;

  constructor(stream: Duplex, traits: StreamTraits) {
    this.#stream = stream;
    this.#traits = traits;
    this.#isWaiting = traits.mayWait === true;
    if (this.#isWaiting) pauseFlow(stream);
    stream.on("data", (chunk: Chunk) => this.#take(chunk));
    stream.on("end", () => this.#takeEnd());
    stream.on("finish", () => {
      // When the server closes a channel, ssh2 ends our half too: we may still have bytes to write.
      if (!this.#ending) return;
      this.#finished = true;
      this.#releaseWriters();
    });
    stream.on("error", (error: unknown) => this.#break(traits.translate(error)));
    stream.on("close", () => this.#takeClose());
    if (this.#isWaiting) stream.read(0);
  }

  read(): Promise<Chunk | undefined> {
    const chunk = this.#unread.shift();
    if (chunk !== undefined) {
      this.#unreadBytes -= chunk.byteLength;
      if (this.#unreadBytes === 0 && this.#stream.isPaused() && !this.#isWaiting) this.#stream.resume();
      return Promise.resolve(chunk);
    }
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    if (this.#peerEnded) return Promise.resolve(undefined);
    if (this.#stream.isPaused()) this.#stream.resume();
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  write(chunk: Chunk): Promise<void> {
    const gone = this.#broken ?? this.#gone;
    if (gone !== undefined) return Promise.reject(gone);
    // The stream was ended, but not by us: its `close` event comes soon and decides whether this is a break.
    if (this.#stream.writableEnded && !this.#ending) return this.#unlessBroken(() => {});
    if (this.#traits.corks === true) this.#cork();
    if (this.#stream.writableLength + chunk.byteLength < writeAheadBytes) {
      this.#stream.write(chunk);
      const congestion = this.#traits.congestion?.();
      return congestion === undefined ? accepted : this.#unlessBroken((done) => void congestion.then(done));
    }
    return this.#unlessBroken((done) => {
      this.#stream.write(chunk, (error) => {
        // A failing stream calls back before its `error` or `close` event, and that event rejects this write.
        if (error) return;
        const congestion = this.#traits.congestion?.();
        if (congestion === undefined) done();
        else void congestion.then(done);
      });
    });
  }

  end(): Promise<void> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    if (this.#finished) return accepted;
    if (this.#gone !== undefined) return this.#isAllOut ? accepted : Promise.reject(this.#gone);
    const isEnded = this.#stream.writableEnded;
    return new Promise((resolve, reject) => {
      this.#enders.push({ resolve, reject });
      // The stream was ended, but not by us: its `close` event answers.
      if (isEnded) return;
      this.#ending = true;
      this.#stream.end();
    });
  }

  /** True when no written byte waits in the stream any more. */
  get #isAllOut(): boolean {
    return this.#stream.writableLength === 0;
  }

  close(left: () => void): void {
    if (this.#broken !== undefined || this.#closing) return;
    this.#closing = true;
    if (this.#stream.isPaused()) this.#stream.resume();
    this.#traits.close(() => {
      if (!this.#peerEnded) left();
      this.#endReads();
    });
  }

  abort(reason: PorthopError): void {
    if (this.#peerEnded && this.#finished) return;
    const first = this.#broken === undefined;
    this.#break(reason);
    if (first) this.#traits.reset();
  }

  joined(): void {
    this.#isWaiting = false;
  }

  onBroken(told: (reason: PorthopError) => void): void {
    if (this.#broken !== undefined) told(this.#broken);
    else this.#toldBroken = told;
  }

  get isGone(): boolean {
    return this.#gone !== undefined;
  }

  onGone(told: () => void): void {
    if (this.#gone !== undefined) told();
    else this.#toldGone = told;
  }

  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#stream.cork();
    process.nextTick(() => {
      this.#corked = false;
      this.#stream.uncork();
    });
  }

  /** Waits for `work`, which a peer that is gone may never finish: then #break or #takeClose settles the promise. */
  #unlessBroken(work: (done: () => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const writer = { resolve, reject };
      this.#writers.add(writer);
      work(() => {
        if (this.#writers.delete(writer)) resolve();
      });
    });
  }

  /** True after `close` when reading has ended too: later bytes and errors do not matter any more. */
  get #isLeft(): boolean {
    return this.#closing && this.#peerEnded;
  }

  #take(chunk: Chunk): void {
    if (this.#broken !== undefined || this.#isLeft) return;
    if (this.#reader !== undefined) {
      const reader = this.#reader;
      this.#reader = undefined;
      reader.resolve(chunk);
      if (this.#isWaiting) pauseFlow(this.#stream);
      return;
    }
    this.#unread.push(chunk);
    this.#unreadBytes += chunk.byteLength;
    if (this.#unreadBytes >= readAheadBytes) this.#stream.pause();
  }

  #takeEnd(): void {
    const reason = this.#traits.endedBy?.();
    if (reason !== undefined) {
      this.#break(reason);
      return;
    }
    this.#endReads();
  }

  #endReads(): void {
    this.#peerEnded = true;
    this.#reader?.resolve(undefined);
    this.#reader = undefined;
  }

  #takeClose(): void {
    const gone = this.#traits.endedBy?.();
    if (!this.#peerEnded || (gone !== undefined && !this.#finished)) {
      this.#break(gone ?? this.#traits.translate(undefined));
      return;
    }
    if (this.#finished) {
      this.#releaseWriters();
      return;
    }
    // The peer ended its half and then closed the whole connection. As with TCP, the bytes that the peer sent are
    // complete. For our half this is a break only if we still have bytes to write.
    this.#gone = this.#traits.translate(undefined);
    for (const writer of this.#writers) writer.reject(this.#gone);
    this.#writers.clear();
    // When no written byte waits, only our end did not reach the peer: that is no loss.
    for (const { resolve, reject } of this.#enders.splice(0)) this.#isAllOut ? resolve() : reject(this.#gone);
    this.#toldGone?.();
  }

  #break(reason: PorthopError): void {
    if (this.#broken !== undefined || this.#isLeft) return;
    this.#broken = reason;
    // Bytes that arrived before the break and were not read yet are dropped, as the kernel does after an RST.
    this.#unread.length = 0;
    this.#unreadBytes = 0;
    this.#reader?.reject(reason);
    this.#reader = undefined;
    for (const writer of [...this.#writers, ...this.#enders.splice(0)]) writer.reject(reason);
    this.#writers.clear();
    this.#toldBroken?.(reason);
  }

  #releaseWriters(): void {
    for (const writer of [...this.#writers, ...this.#enders.splice(0)]) writer.resolve();
    this.#writers.clear();
  }
}

/** Unlike the socket's own pause, which stops all reads under Deno, this lets the stream read up to its mark. */
function pauseFlow(stream: Duplex): void {
  Readable.prototype.pause.call(stream);
}

const accepted = Promise.resolve();
