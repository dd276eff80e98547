/**
 * The first bytes that a server sends: its identification (RFC 4253, section 4.2). When another service listens on the
 * port, the first bytes help to recognise that service.
 */
import type { Duplex } from "node:stream";

const mostBytes = 1024;

export interface ServerWords {
  /** Lines before the identification, which RFC 4253 (section 4.2) allows. Blank lines are left out. */
  readonly lines: readonly string[];
  /** The first line that begins as an identification does, whether it is a good one or not. */
  readonly identification: string | undefined;
}

/** Takes a server's first bytes apart. The last line need not have an end. */
export function serverWords(heard: string): ServerWords {
  const all = heard.split(/\r?\n/);
  const at = all.findIndex((line) => line.startsWith("SSH-"));
  const lines = (at === -1 ? all : all.slice(0, at)).filter((line) => line.trim() !== "");
  return { lines, identification: all[at] };
}

/** Keeps the first 1024 bytes of the stream, for the message when the server turns out not to be SSH. */
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

/**
 * Calls `tell` once with the name of the server's software, as soon as `softwareNow` returns a text that is not empty.
 */
export function hearGreeting(stream: Duplex, softwareNow: () => string, tell: (software: string) => void): void {
  const look = () => {
    const software = softwareNow();
    if (software === "" || !stream.listeners("data").includes(listen)) return;
    stream.removeListener("data", listen);
    tell(software);
  };
  // ssh2's own listener runs after this listener. A microtask runs when ssh2 has read the chunk.
  const listen = () => queueMicrotask(look);
  stream.on("data", listen);
}
