/** A TCP server that says what a test wants it to say, byte for byte, where porthop expects an sshd. */
import { type AddressInfo, createServer, type Socket } from "node:net";

export interface RawServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** How many connections came in so far. */
  readonly accepted: number;
}

/** `play` gets each connection; what it leaves open is reset when the server is disposed. */
export async function rawServer(play: (socket: Socket, index: number) => void, host = "127.0.0.1"): Promise<RawServer> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    // porthop is meant to hang up on such a server.
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

/** Writes without end, as fast as it is taken. */
export function flood(socket: Socket, chunk: Uint8Array): void {
  const more = () => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on("drain", more);
  more();
}
