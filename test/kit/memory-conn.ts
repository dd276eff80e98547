/**
 * Two conns joined in memory: what one writes, the other reads, through a buffer of known size. There is no socket and
 * no clock, so backpressure, half-close and abort can be tested step by step.
 */
import type { PorthopError } from "../../src/errors.ts";
import type { Conn } from "../../src/flow/conn.ts";
import type { Chunk } from "../../src/plugin.ts";

export interface ConnPairOptions {
  /**
   * How many bytes one direction holds before `write` waits for a reader. With 0, each write waits until its chunk is
   * read.
   */
  readonly capacityBytes?: number;
}

/** The two ends of one connection. To leave an end unread, never call its `read`. */
export function connPair(options: ConnPairOptions = {}): [MemoryConn, MemoryConn] {
  const capacityBytes = options.capacityBytes ?? 65_536;
  const forth = new Pipe(capacityBytes);
  const back = new Pipe(capacityBytes);
  return [new MemoryConn(back, forth), new MemoryConn(forth, back)];
}

/** Reads all bytes up to the end. */
export async function readAll(conn: Conn): Promise<Uint8Array> {
  const chunks: Chunk[] = [];
  for (let chunk = await conn.read(); chunk !== undefined; chunk = await conn.read()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Writes these chunks one after the other, each after the chunk before was accepted. Then ends. */
export async function writeAll(conn: Conn, chunks: Iterable<Chunk> | AsyncIterable<Chunk>): Promise<void> {
  for await (const chunk of chunks) await conn.write(chunk);
  await conn.end();
}

export class MemoryConn implements Conn {
  readonly #incoming: Pipe;
  readonly #outgoing: Pipe;

  constructor(incoming: Pipe, outgoing: Pipe) {
    this.#incoming = incoming;
    this.#outgoing = outgoing;
  }

  /** Bytes whose `write` was accepted. */
  get acceptedBytes(): number {
    return this.#outgoing.acceptedBytes;
  }

  /** Bytes given out by `read`. */
  get readBytes(): number {
    return this.#incoming.readBytes;
  }

  /** Writes that still wait to be accepted. */
  get waitingWrites(): number {
    return this.#outgoing.waitingWrites;
  }

  /** True once this end's half is ended. */
  get ended(): boolean {
    return this.#outgoing.ended;
  }

  /** The reason of the break, whichever end broke the connection. */
  get aborted(): Error | undefined {
    return this.#outgoing.broken;
  }

  read(): Promise<Chunk | undefined> {
    return this.#incoming.read();
  }

  write(chunk: Chunk): Promise<void> {
    return this.#outgoing.write(chunk);
  }

  end(): Promise<void> {
    return this.#outgoing.end();
  }

  /** As with TCP, unread bytes are lost. When both halves have ended and were read, nothing is left to break. */
  abort(reason: Error): void {
    if (this.#incoming.finished && this.#outgoing.finished) return;
    this.#incoming.break(reason);
    this.#outgoing.break(reason);
  }

  onBroken(told: (reason: PorthopError) => void): void {
    this.#incoming.onBroken((reason) => told(reason as PorthopError));
  }

  get isGone(): boolean {
    return this.#outgoing.deaf !== undefined;
  }

  onGone(told: () => void): void {
    this.#outgoing.onDeaf(told);
  }

  /** Bytes that were written earlier are still read; then reads end. */
  close(left: () => void): void {
    setImmediate(() => {
      if (!this.#incoming.finished) left();
      this.#incoming.cut();
    });
  }

  /** True once the other end has closed. What is written here is then dropped. */
  get isCut(): boolean {
    return this.#outgoing.isCut;
  }

  /**
   * Like a server that closes a channel: bytes that this end sent can still be read, this end's half ends, and this end
   * reads no more.
   */
  leave(reason: PorthopError): void {
    void this.#outgoing.end();
    this.#incoming.deafen(reason);
  }
}

interface Offer {
  /** Undefined means the end. */
  readonly chunk: Chunk | undefined;
  resolve(): void;
  reject(reason: Error): void;
}

interface Reader {
  resolve(chunk: Chunk | undefined): void;
  reject(reason: Error): void;
}

/**
 * One direction. Each write is an offer in a queue. Offers are accepted in order, when there is room or when a reader
 * waits.
 */
class Pipe {
  acceptedBytes = 0;
  readBytes = 0;
  ended = false;
  /** True once the end was read. */
  finished = false;
  broken: Error | undefined;
  /** The error for writers once no reader is left. */
  deaf: Error | undefined;
  #toldDeaf: (() => void) | undefined;
  isCut = false;
  readonly #told: ((reason: Error) => void)[] = [];
  readonly #capacityBytes: number;
  readonly #buffer: (Chunk | undefined)[] = [];
  #bufferedBytes = 0;
  readonly #offers: Offer[] = [];
  #reader: Reader | undefined;

  constructor(capacityBytes: number) {
    this.#capacityBytes = capacityBytes;
  }

  get waitingWrites(): number {
    return this.#offers.filter((offer) => offer.chunk !== undefined).length;
  }

  async read(): Promise<Chunk | undefined> {
    if (this.broken !== undefined) throw this.broken;
    if (this.finished) return undefined;
    if (this.#reader !== undefined) throw new Error("one read at a time");
    return await new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
      this.#flow();
    });
  }

  async write(chunk: Chunk): Promise<void> {
    if (this.broken !== undefined) throw this.broken;
    if (this.deaf !== undefined) throw this.deaf;
    if (this.ended) throw new Error("write after end");
    await this.#offer(chunk);
  }

  async end(): Promise<void> {
    if (this.broken !== undefined) throw this.broken;
    if (this.ended || this.deaf !== undefined) return;
    this.ended = true;
    await this.#offer(undefined);
  }

  break(reason: Error): void {
    if (this.broken !== undefined) return;
    this.broken = reason;
    this.#reader?.reject(reason);
    for (const offer of this.#offers.splice(0)) offer.reject(reason);
    this.#buffer.length = 0;
    this.#bufferedBytes = 0;
    for (const told of this.#told) told(reason);
  }

  onBroken(told: (reason: Error) => void): void {
    if (this.broken !== undefined) told(this.broken);
    else this.#told.push(told);
  }

  /** The reader has left in good order. */
  deafen(reason: Error): void {
    this.deaf = reason;
    this.finished = true;
    for (const offer of this.#offers.splice(0)) offer.reject(reason);
    this.#buffer.length = 0;
    this.#toldDeaf?.();
  }

  onDeaf(told: () => void): void {
    if (this.deaf !== undefined) told();
    else this.#toldDeaf = told;
  }

  /** The reader leaves: its reads end, and later writes are accepted and dropped. */
  cut(): void {
    this.finished = true;
    this.isCut = true;
    this.#reader?.resolve(undefined);
    this.#reader = undefined;
    this.#buffer.length = 0;
    for (const offer of this.#offers.splice(0)) offer.resolve();
  }

  #offer(chunk: Chunk | undefined): Promise<void> {
    if (this.isCut) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#offers.push({ chunk, resolve, reject });
      this.#flow();
    });
  }

  #flow(): void {
    this.#acceptOffers();
    const reader = this.#reader;
    if (reader === undefined) return;
    // A chunk larger than the whole buffer, or any chunk when the buffer is 0, passes directly to the reader.
    if (this.#buffer.length === 0) this.#acceptOffer();
    if (this.#buffer.length === 0) return;
    const chunk = this.#buffer.shift();
    this.#reader = undefined;
    this.#bufferedBytes -= chunk?.length ?? 0;
    this.readBytes += chunk?.length ?? 0;
    if (chunk === undefined) this.finished = true;
    reader.resolve(chunk);
    this.#acceptOffers();
  }

  #acceptOffers(): void {
    for (;;) {
      const next = this.#offers[0];
      if (next === undefined || this.#bufferedBytes + (next.chunk?.length ?? 0) > this.#capacityBytes) return;
      this.#acceptOffer();
    }
  }

  #acceptOffer(): void {
    const offer = this.#offers.shift();
    if (offer === undefined) return;
    this.#buffer.push(offer.chunk);
    this.#bufferedBytes += offer.chunk?.length ?? 0;
    this.acceptedBytes += offer.chunk?.length ?? 0;
    offer.resolve();
  }
}
