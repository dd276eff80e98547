/**
 * What a server says before anything else: its identification (RFC 4253, section 4.2), or, where another service than SSH
 * listens, a line by which that can be recognised.
 */
import type { Duplex } from "node:stream";

const mostBytes = 256;

/** The beginning of what comes, kept until it is known to be SSH. */
export class FirstWords {
  readonly #stream: Duplex;
  readonly #listen: (chunk: Uint8Array) => void;
  #bytes: Uint8Array = new Uint8Array(0);

  constructor(stream: Duplex) {
    this.#stream = stream;
    this.#listen = (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk.subarray(0, mostBytes - this.#bytes.length)]);
      if (this.#bytes.length === mostBytes) this.stop();
    };
    stream.on("data", this.#listen);
  }

  get text(): string {
    return Buffer.from(this.#bytes).toString("latin1");
  }

  stop(): void {
    this.#stream.removeListener("data", this.#listen);
  }
}

/** Tells the server's software once, as soon as `softwareNow` has it. */
export function hearGreeting(stream: Duplex, softwareNow: () => string, tell: (software: string) => void): void {
  const look = () => {
    const software = softwareNow();
    if (software === "" || !stream.listeners("data").includes(listen)) return;
    stream.removeListener("data", listen);
    tell(software);
  };
  // ssh2's own listener comes after this one: by the end of the turn it has read the chunk.
  const listen = () => queueMicrotask(look);
  stream.on("data", listen);
}
