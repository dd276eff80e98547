/**
 * TCP servers for the far end of a forward, each on a free loopback port, each with one purpose: to show that bytes
 * arrive whole, that a half-close or a reset is carried, or that a slow reader slows its writer.
 */
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { randomChunks, type Sum, Summing } from "./random.ts";
import { Waiting } from "./waiting.ts";

export type Loopback = "127.0.0.1" | "::1";

export interface ServerOptions {
  readonly host?: Loopback | undefined;
  /** Undefined for a free port. */
  readonly port?: number | undefined;
}

export interface TargetServer extends AsyncDisposable {
  readonly host: Loopback;
  readonly port: number;
  /** How many connections have come in so far. */
  readonly accepted: number;
  /** Ends the server, and resets its connections. */
  close(): Promise<void>;
}

/** How the incoming half of one connection went. */
export interface Received extends Sum {
  /** True after a FIN, false after a reset. */
  readonly ended: boolean;
}

export interface ReceivingServer extends TargetServer {
  /** Resolves when the peer of connection `index` (0 is the first) has ended its half or reset the connection. */
  received(index?: number): Promise<Received>;
}

export interface StalledServer extends ReceivingServer {
  /** Starts to read all connections, and all later ones. */
  release(): void;
}

/** Sends back what it gets, and ends when the peer ends. */
export function echoServer(options: ServerOptions = {}): Promise<TargetServer> {
  return serve(options, (socket) => {
    socket.pipe(socket);
  });
}

/** Reads everything, sends nothing, and ends its half only after the peer did. */
export function sinkServer(options: ServerOptions = {}): Promise<ReceivingServer> {
  const inbox = new Inbox();
  return receiving(options, inbox, (socket) => inbox.take(socket, () => socket.end()));
}

/**
 * Sends these bytes, or `bytes` seeded ones (as `randomBytes` makes them), then FIN. Reads and drops incoming bytes.
 */
export function sourceServer(
  content: Uint8Array | { readonly bytes: number; readonly seed?: number },
  options: ServerOptions = {},
): Promise<TargetServer> {
  return serve(options, (socket) => {
    socket.resume();
    if (content instanceof Uint8Array) socket.end(content);
    else sendChunks(socket, randomChunks(content.bytes, content.seed));
  });
}

/**
 * Reads to the end, and only then answers `<bytes> <sha256>` and a newline. A client whose half-close is lost gets
 * nothing.
 */
export function lateAnswerServer(options: ServerOptions = {}): Promise<ReceivingServer> {
  const inbox = new Inbox();
  return receiving(options, inbox, (socket) =>
    inbox.take(socket, (received) => socket.end(`${received.bytes} ${received.sha256}\n`)),
  );
}

/** Resets (RST) each connection once `afterBytes` bytes have come in; with 0, as soon as the connection is open. */
export function resetServer(afterBytes = 0, options: ServerOptions = {}): Promise<TargetServer> {
  return serve(options, (socket) => {
    let left = afterBytes;
    if (left <= 0) socket.resetAndDestroy();
    socket.on("data", (chunk: Uint8Array) => {
      left -= chunk.length;
      if (left <= 0) socket.resetAndDestroy();
    });
  });
}

/** Accepts connections, and reads nothing until `release` is called. */
export function stalledServer(options: ServerOptions = {}): Promise<StalledServer> {
  const inbox = new Inbox();
  const waiting: (() => void)[] = [];
  let released = false;
  const server = receiving(options, inbox, (socket) => {
    const start = () => {
      inbox.take(socket, () => socket.end());
      socket.resume();
    };
    socket.pause();
    if (released) start();
    else waiting.push(start);
  });
  return server.then((target) =>
    Object.assign(target, {
      release: () => {
        released = true;
        for (const start of waiting.splice(0)) start();
      },
    }),
  );
}

/** Serves one page for every path. A header contains the path, so a client sees which server answered. */
export function httpServer(body = "porthop test page\n", options: ServerOptions = {}): Promise<TargetServer> {
  const server = createHttpServer((request, response) => {
    request.resume();
    response.writeHead(200, { "content-type": "text/plain", "x-porthop-path": request.url ?? "" });
    response.end(body);
  });
  return listening(server, options, (socket) => socket);
}

/**
 * A port on which no program listens. It is below the range that the kernel uses for outgoing connections, so it stays
 * free while a server stops and starts again. One process never gets a port twice.
 */
export async function freePort(host: Loopback = "127.0.0.1"): Promise<number> {
  for (let tries = 0; tries < 1000; tries++) {
    const port = 12_000 + Math.floor(Math.random() * 20_000);
    if (given.has(port) || !(await isFree(host, port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`no free port found on ${host}`);
}

const given = new Set<number>();

/** What came in on each connection of a server, in the order of accepting. */
class Inbox {
  readonly #received: (Received | undefined)[] = [];
  readonly #waiting = new Waiting();
  #connections = 0;

  /** Reads a connection to its end, and calls `ended` when the end was a FIN. */
  take(socket: Socket, ended: (received: Received) => void): void {
    const index = this.#connections++;
    const summing = new Summing();
    const settle = (clean: boolean) => {
      if (this.#received[index] !== undefined) return;
      const received = { ...summing.sum(), ended: clean };
      this.#received[index] = received;
      this.#waiting.change();
      if (clean) ended(received);
    };
    socket.on("data", (chunk: Uint8Array) => summing.add(chunk));
    socket.on("end", () => settle(true));
    socket.on("close", () => settle(false));
  }

  until(index: number): Promise<Received> {
    return this.#waiting.until(`the end of connection ${index}`, () => this.#received[index]);
  }
}

async function receiving(
  options: ServerOptions,
  inbox: Inbox,
  onSocket: (socket: Socket) => void,
): Promise<ReceivingServer> {
  const target = await serve(options, onSocket);
  return Object.assign(target, { received: (index = 0) => inbox.until(index) });
}

export function serve(options: ServerOptions, onSocket: (socket: Socket) => void): Promise<TargetServer> {
  return listening(createServer({ allowHalfOpen: true, noDelay: true }), options, onSocket);
}

async function listening(
  server: Server,
  options: ServerOptions,
  onSocket: (socket: Socket) => void,
): Promise<TargetServer> {
  const host = options.host ?? "127.0.0.1";
  const sockets = new Set<Socket>();
  let accepted = 0;
  server.on("connection", (socket: Socket) => {
    accepted++;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    // Tests ask for a reset by the peer as an outcome, and "close" reports it.
    socket.on("error", () => {});
    onSocket(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  const close = closer(server, sockets);
  return {
    host,
    port: (server.address() as AddressInfo).port,
    get accepted() {
      return accepted;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function closer(server: Server, sockets: ReadonlySet<Socket>): () => Promise<void> {
  return async () => {
    for (const socket of sockets) socket.resetAndDestroy();
    if (server.listening) await new Promise<void>((resolve) => server.close(() => resolve()));
  };
}

export function sendChunks(socket: Socket, chunks: Iterator<Uint8Array>): void {
  for (;;) {
    if (socket.destroyed) return;
    const next = chunks.next();
    if (next.done === true) {
      socket.end();
      return;
    }
    if (!socket.write(next.value)) {
      socket.once("drain", () => sendChunks(socket, chunks));
      return;
    }
  }
}

function isFree(host: Loopback, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.on("error", () => resolve(false));
    probe.listen(port, host, () => probe.close(() => resolve(true)));
  });
}
