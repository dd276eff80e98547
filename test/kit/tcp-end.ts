/**
 * One end of a TCP connection that a test plays: a client of a forward, or the target that sshd dials. The end sums
 * incoming bytes, sends as fast as the other side accepts, ends its half, and distinguishes a clean end from a reset.
 */
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { Summing } from "./random.ts";
import type { Received } from "./servers.ts";
import { Waiting } from "./waiting.ts";

/** Undefined `localPort` means any port. */
export async function connectTo(port: number, host = "127.0.0.1", localPort?: number): Promise<TcpEnd> {
  const from = localPort === undefined ? {} : { localAddress: host, localPort };
  const socket = createConnection({ host, port, ...from, allowHalfOpen: true, noDelay: true });
  return new Promise((resolve, reject) => {
    socket.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "ECONNRESET") return reject(error);
      // It was accepted, and reset before this process had a turn: what the client of a quick refusal may see too.
      resolve(new TcpEnd(socket));
      socket.emit("error", error);
    });
    socket.once("connect", () => resolve(new TcpEnd(socket)));
  });
}

/** True when a fresh connection to an echo server brings back what it sent. */
export async function echoes(port: number, host?: string): Promise<boolean> {
  await using client = await connectTo(port, host);
  await client.send("anybody there?\n");
  client.end();
  await client.received;
  return client.text === "anybody there?\n";
}

export interface PlayedTarget extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** The target's end of connection `index` (0 is the first), once it was accepted. */
  accepted(index?: number): Promise<TcpEnd>;
}

/** A target that the test plays. */
export async function playTarget(): Promise<PlayedTarget> {
  const ends: TcpEnd[] = [];
  const waiting = new Waiting();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    ends.push(new TcpEnd(socket));
    waiting.change();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: "127.0.0.1",
    port: (server.address() as AddressInfo).port,
    accepted: (index = 0) => waiting.until(`connection ${index}`, () => ends[index]),
    async [Symbol.asyncDispose]() {
      for (const end of ends) end.reset();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

export class TcpEnd implements AsyncDisposable {
  /** This end's own address: `127.0.0.1:54321`. */
  readonly address: string;
  /** The other end's address. */
  readonly peer: string;
  readonly #socket: Socket;
  readonly #summing = new Summing();
  readonly #waiting = new Waiting();
  /** The first bytes that came in, for short answers. */
  readonly #head: Uint8Array[] = [];
  #received: Received | undefined;
  #isBroken = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    // A closed socket no longer knows its addresses.
    this.address = `${socket.localAddress}:${socket.localPort}`;
    this.peer = `${socket.remoteAddress}:${socket.remotePort}`;
    socket.on("data", (chunk: Uint8Array) => {
      if (this.#summing.bytes < headBytes) this.#head.push(chunk);
      this.#summing.add(chunk);
      this.#waiting.change();
    });
    const settle = (ended: boolean) => {
      this.#received ??= { ...this.#summing.sum(), ended };
      this.#waiting.change();
    };
    socket.on("end", () => settle(true));
    socket.on("close", () => settle(false));
    // Tests ask for a reset as an outcome, and `received` and `broken` report it.
    socket.on("error", () => {
      this.#isBroken = true;
      this.#waiting.change();
    });
  }

  /** The text that has come so far; only the beginning of a long answer. */
  get text(): string {
    return Buffer.concat(this.#head).toString("latin1");
  }

  /** Resolves when the other end has ended its half or reset the connection. */
  get received(): Promise<Received> {
    return this.#waiting.until("the end of the connection", () => this.#received, 60_000);
  }

  /** Resolves when the connection has failed, be it after the other end has ended its half. */
  async broken(): Promise<void> {
    await this.#waiting.until("the break of the connection", () => (this.#isBroken ? true : undefined), 60_000);
  }

  /** Resolves when this many bytes have come in. */
  async got(bytes: number): Promise<void> {
    await this.#waiting.until(`${bytes} bytes`, () => (this.#summing.bytes >= bytes ? true : undefined));
  }

  /** Resolves when this many bytes have come in, or when no more can come. */
  async gotOrEnded(bytes: number): Promise<void> {
    const done = () => this.#summing.bytes >= bytes || this.#received !== undefined || undefined;
    await this.#waiting.until(`${bytes} bytes or the end`, done, 60_000);
  }

  /** Resolves when the system has taken all bytes, or when the connection broke. */
  async send(content: Iterable<Uint8Array> | string): Promise<void> {
    for (const chunk of typeof content === "string" ? [Buffer.from(content)] : content) {
      if (this.#socket.destroyed) return;
      if (!this.#socket.write(chunk)) await drained(this.#socket);
    }
  }

  end(): void {
    this.#socket.end();
  }

  /** Breaks the connection with an RST. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
  }
}

const headBytes = 64 * 1024;

/** Resolves when the socket takes bytes again, or never will. */
export function drained(socket: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.removeListener("drain", done);
      socket.removeListener("close", done);
      resolve();
    };
    socket.on("drain", done);
    socket.on("close", done);
  });
}
