/**
 * The stdin and stdout of porthop as the only connection of a listener (ssh's -W). After the end of stdin, answers of
 * the target still come. As with ssh, the end of the target's half ends the whole connection.
 */
import { Duplex, type Readable, type Writable } from "node:stream";
import type { UnixAddress } from "../codec/address.ts";
import type { Accept, Conn, Listener } from "../flow/conn.ts";
import { PacedInput } from "./paced-input.ts";
import { brokenConnection } from "./socket-failure.ts";
import { StreamConn } from "./stream-conn.ts";

export interface StandardStreams {
  readonly input: Readable;
  readonly output: Writable;
}

/** The name of stdin and stdout where another connection has an address. */
export const stdioAddress: UnixAddress = { path: "stdio" };

/** Calls `onInbound` once and at once, because there is only one connection. */
export function listenStdio(streams: StandardStreams, onInbound: Accept): Listener {
  onInbound({
    origin: stdioAddress,
    leg: { from: stdioAddress, to: stdioAddress, observed: false },
    accept: () => Promise.resolve(stdioConn(streams)),
    // Nothing has been read or written yet. A reader of stdout sees the end when the process ends.
    refuse: () => {},
  });
  return { addresses: [stdioAddress], close: () => Promise.resolve() };
}

export function stdioConn(streams: StandardStreams): Conn {
  const stream = new StdioStream(streams);
  return new StreamConn(stream, {
    reset: () => void stream.destroy(),
    close(ended) {
      ended();
      stream.destroy();
    },
    translate: (error) => brokenConnection(error, 1, "stdin and stdout"),
  });
}

class StdioStream extends Duplex {
  readonly #input: PacedInput;
  readonly #output: Writable;
  #inputEnded = false;

  constructor({ input, output }: StandardStreams) {
    super();
    this.#input = new PacedInput(input);
    this.#output = output;
    for (const stream of [input, output]) stream.on("error", (error) => this.destroy(error));
    output.on("close", () => this.destroy());
  }

  /** The stream calls `_read` again only after a push. */
  override _read(): void {
    void this.#input.read().then((chunk) => {
      if (chunk === undefined) this.#endInput();
      else if (!this.#inputEnded) this.push(chunk);
    });
  }

  /** Calls back when stdout has taken the bytes: a reader of stdout that stalls also stops the flow. */
  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    this.#output.write(chunk, done);
  }

  /**
   * The target has ended its half. Over SSH a target that still reads looks like a target that is gone, and the program
   * that writes to stdin may wait for our end. So stdin ends here too, as with ssh -W.
   */
  override _final(done: (error?: Error | null) => void): void {
    this.#endInput();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#input.stop();
    done(error);
  }

  #endInput(): void {
    if (this.#inputEnded || this.destroyed) return;
    this.#inputEnded = true;
    this.#input.stop();
    this.push(null);
  }
}
