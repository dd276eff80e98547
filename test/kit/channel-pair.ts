/**
 * Both ends of an SSH channel in the test's hands: ssh2's client on this side, attached as in a session, and ssh2's
 * server on the other, over loopback. For what a server can do to a channel and no real target makes a server do.
 */
import { type AddressInfo, createConnection, type Socket } from "node:net";
import type { Algorithms, Client, ClientChannel, Connection, Server, ServerChannel } from "ssh2";
import { attach } from "../../src/ssh/ssh2/attach.ts";
import type { Ports } from "../../src/ssh/ssh2/ports.ts";
import { ssh2 } from "./loaded-ssh2.ts";
import { makeSshKey } from "./ssh-server.ts";
import { serverView } from "./ssh2-server-view.ts";
import { Waiting } from "./waiting.ts";

export interface PairOptions {
  /** The algorithms of both ends. Undefined for ssh2's own choice. */
  readonly algorithms?: Algorithms;
  /** Called when the client is attached, before the first byte of the client and of the server. */
  readonly attached?: (ports: Ports, socket: Socket) => void;
  /** Called with the server's end before the first key exchange. */
  readonly connected?: (connection: Connection) => void;
}

export class ChannelPair implements AsyncDisposable {
  readonly ports: Ports;
  readonly clientSocket: Socket;
  /** The server's end of the connection. */
  readonly connection: Connection;
  readonly #server: Server;
  readonly #accepted: ServerChannel[];
  readonly #waiting: Waiting;

  private constructor(
    ports: Ports,
    clientSocket: Socket,
    connection: Connection,
    server: Server,
    accepted: ServerChannel[],
    waiting: Waiting,
  ) {
    this.ports = ports;
    this.clientSocket = clientSocket;
    this.connection = connection;
    this.#server = server;
    this.#accepted = accepted;
    this.#waiting = waiting;
  }

  static async open({ algorithms = {}, attached, connected }: PairOptions = {}): Promise<ChannelPair> {
    const accepted: ServerChannel[] = [];
    const waiting = new Waiting();
    let connection: Connection | undefined;
    const server = new ssh2.Server({ hostKeys: [makeSshKey().private], algorithms }, (each) => {
      connection = each;
      each.on("error", () => {});
      each.on("authentication", (attempt) => attempt.accept());
      each.on("tcpip", (accept) => {
        accepted.push(accept());
        waiting.change();
      });
      connected?.(each);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const socket = createConnection({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", noDelay: true });
    const client = new ssh2.Client();
    client.on("error", () => {});
    const ready = new Promise<void>((resolve, reject) => {
      client.once("ready", resolve);
      client.once("close", () => reject(new Error("the login failed")));
    });
    client.connect({ sock: socket, username: "anna", algorithms });
    const ports = attach(client);
    attached?.(ports, socket);
    await ready;
    if (connection === undefined) throw new Error("the server saw no connection");
    return new ChannelPair(ports, socket, connection, server, accepted, waiting);
  }

  get client(): Client {
    return this.ports.client;
  }

  /** A new channel, with our end and the server's end. */
  async channel(): Promise<{ readonly near: ClientChannel; readonly far: ServerChannel }> {
    const index = this.#accepted.length;
    const near = await new Promise<ClientChannel>((resolve, reject) => {
      this.client.forwardOut("127.0.0.1", 1, "target", 2, (error, channel) => {
        if (error === undefined) resolve(channel);
        else reject(error);
      });
    });
    return { near, far: await this.accepted(index) };
  }

  /** The server's end of the channel with this index, once it exists. */
  accepted(index: number): Promise<ServerChannel> {
    return this.#waiting.until(`channel ${index}`, () => this.#accepted[index]);
  }

  /** How many channels our side holds. */
  get held(): number {
    const { _chanMgr: channels } = this.client as unknown as { _chanMgr: { _count: number } };
    return channels._count;
  }

  /** Breaks the TCP connection, as a network does. Resolves when our side has noticed. */
  async break(): Promise<void> {
    const noticed = new Promise<void>((resolve) => this.client.once("close", () => resolve()));
    serverView(this.connection)._sock.resetAndDestroy();
    await noticed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.clientSocket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
