/** A TCP server that sends exactly the bytes that a test gives, in a place where porthop expects an sshd. */
import { type AddressInfo, createServer, type Socket } from "node:net";

export interface RawServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** How many connections have come in so far. */
  readonly accepted: number;
}

/** `play` gets each connection. Connections that `play` leaves open are reset when the server is disposed. */
export async function rawServer(play: (socket: Socket, index: number) => void, host = "127.0.0.1"): Promise<RawServer> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    // porthop is expected to close the connection to this server.
    socket.on("error", () => {});
    play(socket, accepted++);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, host, resolve);
  });
  return {
    host,
    port: (server.address() as AddressInfo).port,
    get accepted() {
      return accepted;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.resetAndDestroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Writes without end, as fast as the socket accepts. */
export function flood(socket: Socket, chunk: Uint8Array): void {
  const more = () => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on("drain", more);
  more();
}
