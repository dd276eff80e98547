/**
 * A program's stdin and stdout as the one connection of a listener (ssh's -W). What stdin holds goes up until it ends,
 * and answers may still come; as with ssh, the end of the target is the end of all.
 */
import { Duplex, type Readable, type Writable } from "node:stream";
import type { UnixAddress } from "../codec/address.ts";
import type { Conn, Inbound, Listener } from "../flow/conn.ts";
import { PacedInput } from "./paced-input.ts";
import { brokenConnection } from "./socket-failure.ts";
import { StreamConn } from "./stream-conn.ts";

export interface StandardStreams {
  readonly input: Readable;
  readonly output: Writable;
}

/** How they are named where another connection has an address. */
export const stdioAddress: UnixAddress = { path: "stdio" };

/** There is one connection, and it is there at once. */
export function listenStdio(streams: StandardStreams, onInbound: (inbound: Inbound) => void): Listener {
  onInbound({
    origin: stdioAddress,
    leg: { from: stdioAddress, to: stdioAddress, observed: false },
    accept: () => Promise.resolve(stdioConn(streams)),
    // Nothing has been read or written: whoever waits for stdout hears of it when the process ends.
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

  /** Called again only after a push. */
  override _read(): void {
    void this.#input.read().then((chunk) => {
      if (chunk === undefined) this.#endInput();
      else if (!this.#inputEnded) this.push(chunk);
    });
  }

  /** Answered when the bytes are with the reader of stdout, or on their way: one that stalls holds up the flow. */
  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    this.#output.write(chunk, done);
  }

  /**
   * The target has ended. Over SSH nobody can tell a target that still listens from one that is gone, and stdin may be a
   * pipe whose other end waits for our end: ssh -W ends here too.
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
