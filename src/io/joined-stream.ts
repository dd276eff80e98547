/**
 * Joins a readable and a writable stream to one stream that behaves like a socket: it ends, it can be destroyed at
 * once, and `close` always follows. An ssh2 channel does none of these three, and a program's pipes are two streams.
 */
import { Duplex, type Readable, type Writable } from "node:stream";

export interface JoinedTraits {
  /** Called when the stream is destroyed: frees the source and the sink. */
  release(): void;
  /** The stream waits for this before it reports the end of the source or a failure. Never rejects. */
  settled?(): Promise<void>;
  /**
   * A program that reads no more may have printed the reason. So when the sink fails, the stream waits for the end of
   * the source until this promise resolves. When the end comes in time, the stream ends without an error. Never
   * rejects. Without `lastWords` the failure is reported at once.
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
  /** True after a failure of the sink that is not reported: written bytes are dropped. */
  #isDeaf = false;
  /** The callback of the write that the sink has not confirmed yet. */
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
    // A failure also comes as an `error` event. With a peer that is gone there is no callback, and `close` follows.
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
   * The stream may not finish by itself, and so is destroyed here: the last write may wait for ever, because ssh2's
   * Channel._write does not call back after the channel was closed.
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
