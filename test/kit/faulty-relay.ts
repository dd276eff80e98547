/**
 * A line before a server, usually an sshd, that a test breaks as lines break: resets, a FIN in the middle, a path that
 * swallows packets, a port where nobody listens, a delay each way, a low speed.
 */
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from "node:net";
import { type Line, RelayedConnection } from "./relayed-connection.ts";
import { type Login, relayedLogin } from "./relayed-login.ts";

/** Stands on a free port of the server's address. It ends with the test, and resets what is open then. */
export async function faultyRelay(
  server: { readonly host: string; readonly port: number },
  line: Line = {},
): Promise<FaultyRelay> {
  const relay = new FaultyRelay(server, line);
  await relay.listen();
  return relay;
}

export class FaultyRelay implements AsyncDisposable {
  readonly host: string;
  /** How many connections have come in so far. */
  accepted = 0;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #line: Line;
  readonly #open = new Set<RelayedConnection>();
  #listener: Server | undefined;
  #port = 0;
  #swallows = false;

  constructor(target: { readonly host: string; readonly port: number }, line: Line) {
    this.host = target.host;
    this.#target = target;
    this.#line = line;
  }

  get port(): number {
    return this.#port;
  }

  /** How many connections are open now. */
  get open(): number {
    return this.#open.size;
  }

  /** Where a client of this sshd logs in through the relay. */
  login(sshd: Login): Login {
    return relayedLogin(this, sshd);
  }

  /** Resets connections on both sides: the oldest ones, or all. Returns how many. */
  cut(count = Number.POSITIVE_INFINITY): number {
    const chosen = [...this.#open].slice(0, count);
    for (const connection of chosen) connection.cut();
    return chosen.length;
  }

  /** Sends FIN to both sides of all connections, wherever they are, and drops what still comes. */
  finish(): void {
    for (const connection of this.#open) connection.finish();
  }

  /**
   * From now on nothing passes, neither bytes nor ends, and nobody is told: new connections are accepted and hear
   * nothing. The kernel's buffers fill, as with a path that loses each packet.
   */
  swallow(): void {
    this.#swallows = true;
    for (const connection of this.#open) connection.swallow();
  }

  /** The path works again. What was on its way arrives, as by the retransmissions of TCP. */
  pass(): void {
    this.#swallows = false;
    for (const connection of this.#open) connection.pass();
  }

  /** New connections are refused, open ones go on. */
  async refuse(): Promise<void> {
    const listener = this.#listener;
    this.#listener = undefined;
    // The callback would come only when all connections are over; the port is free at once.
    listener?.close();
  }

  /** Accepts again, on the same port. */
  async listen(): Promise<void> {
    if (this.#listener !== undefined) return;
    const listener = createServer({ allowHalfOpen: true, noDelay: true }, (near) => this.#take(near));
    this.#listener = listener;
    await new Promise<void>((resolve, reject) => {
      listener.once("error", reject);
      listener.listen({ port: this.#port, host: this.host, backlog: 1024 }, resolve);
    });
    this.#port = (listener.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.refuse();
    this.cut();
  }

  #take(near: Socket): void {
    this.accepted++;
    const far = createConnection({ ...this.#target, allowHalfOpen: true, noDelay: true });
    const connection = new RelayedConnection(near, far, this.#line, () => this.#open.delete(connection));
    this.#open.add(connection);
    if (this.#swallows) connection.swallow();
  }
}
