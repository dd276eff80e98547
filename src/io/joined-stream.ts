/**
 * A readable and a writable half as one stream that behaves as a socket does: it ends, it can be destroyed at once, and
 * `close` always follows. An ssh2 channel alone keeps none of that, and a program's pipes are two streams.
 */
import { Duplex, type Readable, type Writable } from "node:stream";

export interface JoinedTraits {
  /** The stream was destroyed: lets go of what is under it. */
  release(): void;
  /** Waited for before the end of the readable half, or a failure of the writable one, is told. Never rejects. */
  settled?(): Promise<void>;
  /**
   * Who hears no more may have said why: when the writable half fails, the end of the readable one is waited for until this
   * resolves, and is then the stream's end. Never rejects. Without it the failure is told at once.
   */
  lastWords?(): Promise<void>;
}

/** Unread bytes held before the source is paused. */
const readAheadBytes = 256 * 1024;

export class JoinedStream extends Duplex {
  readonly #source: Readable;
  readonly #sink: Writable;
  readonly #traits: JoinedTraits;
  #ended = false;
  /** Nothing that is written goes anywhere any more. */
  #isDeaf = false;
  /** Lets the write go on that failed. */
  #unwritten: (() => void) | undefined;

  constructor(source: Readable, sink: Writable, traits: JoinedTraits) {
    super({ allowHalfOpen: true, readableHighWaterMark: readAheadBytes });
    this.#source = source;
    this.#sink = sink;
    this.#traits = traits;
    source.on("data", (chunk: Uint8Array) => {
      if (!this.destroyed && !this.push(chunk)) source.pause();
    });
    source.on("end", () => void this.#endLater());
    source.on("close", () => this.#close());
    source.on("error", (error: Error) => void this.#failLater(error));
    if (!Object.is(source, sink)) sink.on("error", (error: Error) => void this.#deafLater(error));
  }

  override _read(): void {
    this.#source.resume();
  }

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    if (this.#isDeaf) {
      done();
      return;
    }
    this.#unwritten = done;
    // What fails comes as an `error` event; a peer that is gone never calls back, and `close` follows then.
    this.#sink.write(chunk, (error) => {
      if (error) return;
      this.#unwritten = undefined;
      done();
    });
  }

  /** Small pieces written together stay together: on a channel each write is a packet of its own. */
  override _writev(chunks: readonly { readonly chunk: Uint8Array }[], done: () => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), "buffer", done);
  }

  override _final(done: () => void): void {
    this.#sink.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#traits.release();
    done(error);
  }

  /**
   * What the sink was given last may be waiting for ever: ssh2's Channel._write does not call back once its channel is
   * closed, so that the stream would never finish by itself.
   */
  #close(): void {
    if (this.#ended && !this.readableEnded) this.once("end", () => this.destroy());
    else this.destroy();
  }

  async #endLater(): Promise<void> {
    this.#ended = true;
    await this.#traits.settled?.();
    if (!this.destroyed) this.push(null);
  }

  async #deafLater(error: Error): Promise<void> {
    const { lastWords } = this.#traits;
    if (lastWords !== undefined) {
      const end = new Promise<void>((resolve) => this.#source.once("end", resolve));
      if (!this.#ended) await Promise.race([end, lastWords()]);
      if (this.#ended) {
        this.#isDeaf = true;
        this.#unwritten?.();
        return;
      }
    }
    await this.#failLater(error);
  }

  async #failLater(error: Error): Promise<void> {
    await this.#traits.settled?.();
    this.destroy(error);
  }
}
