/**
 * The two ends of a FIFO as streams under Bun 1.4.5, without a thread that waits for the FIFO. fs.ReadStream and
 * fs.WriteStream make one of the few threads for files wait, or fail with EAGAIN, as net.Socket does too.
 */
import fs, { closeSync, writeSync } from "node:fs";
import { Readable, Writable } from "node:stream";
import type { ReadableStream, ReadableStreamDefaultReader } from "node:stream/web";
import { WriteStream } from "node:tty";
import { errnoOf } from "./socket-failure.ts";

/** Writes to a descriptor that does not block, and closes it. */
export class FifoWriter extends Writable {
  readonly #descriptor: number;
  #waiting: Writable | undefined;

  constructor(descriptor: number) {
    super();
    this.#descriptor = descriptor;
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    let written = 0;
    try {
      written = writeSync(this.#descriptor, chunk);
    } catch (error) {
      if (errnoOf(error) !== "EAGAIN") {
        done(error as Error);
        return;
      }
    }
    if (written === chunk.byteLength) done();
    else this.#writeLater(chunk.subarray(written), done);
  }

  override _writev(chunks: readonly { readonly chunk: Uint8Array }[], done: (error?: Error | null) => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), "buffer", done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#waiting?.destroy();
    closeSync(this.#descriptor);
    done(error);
  }

  /**
   * tty.WriteStream waits for room by events. For a few bytes it calls back too early, and reports no failure. So each
   * rest that did not fit gets a stream of its own, whose end comes when all bytes are written. The stream has a
   * duplicate of the descriptor.
   */
  #writeLater(rest: Uint8Array, done: (error?: Error | null) => void): void {
    const stream: Writable = new WriteStream(this.#descriptor);
    let failure: Error | undefined;
    stream.on("error", (error) => {
      failure = error;
    });
    stream.on("close", () => {
      this.#waiting = undefined;
      done(failure);
    });
    this.#waiting = stream;
    stream.end(rest, () => stream.destroy());
  }
}

/** Reads the FIFO as the blob of a file: only a blob is read by events, without a thread. */
export class FifoReader extends Readable {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;

  /** Resolves when the file is open. */
  static async open(path: string): Promise<FifoReader> {
    const openAsBlob: OpenAsBlob = Reflect.get(fs, "openAsBlob");
    const blob = await openAsBlob(path);
    return new FifoReader(blob.stream().getReader());
  }

  constructor(reader: ReadableStreamDefaultReader<Uint8Array>) {
    super();
    this.#reader = reader;
  }

  override _read(): void {
    this.#reader.read().then(
      ({ done, value }) => this.push(done ? null : value),
      (error: Error) => this.destroy(error),
    );
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const closed = () => done(error);
    this.#reader.cancel().then(closed, closed);
  }
}

/** fs.openAsBlob, which the types do not have yet. */
type OpenAsBlob = (path: string) => Promise<{ stream(): ReadableStream<Uint8Array> }>;
