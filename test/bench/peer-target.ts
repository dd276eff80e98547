/** The target of the benchmark: a source, a sink and an echo, on one port each. */
import { createServer, type Socket } from "node:net";
import { pour } from "./peer-sockets.ts";

/** The first four bytes of a connection to the source say how many MiB to send, 0 for no end. */
const services: Readonly<Record<string, (socket: Socket) => void>> = {
  source: (socket) => {
    socket.once("data", (asked: Buffer) => {
      const mebibytes = asked.readUInt32BE(0);
      pour(socket, mebibytes === 0 ? Number.POSITIVE_INFINITY : mebibytes * 1024 * 1024);
    });
  },
  sink: (socket) => {
    let bytes = 0;
    socket.on("data", (data: Buffer) => {
      bytes += data.byteLength;
    });
    socket.on("end", () => socket.end(`${bytes}`));
  },
  echo: (socket) => void socket.on("data", (data: Buffer) => socket.write(data)).on("end", () => socket.end()),
};

export async function serveAll(): Promise<void> {
  const ports: Record<string, number> = {};
  for (const [name, handle] of Object.entries(services)) {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      // Clients of the stall and idle runs leave without a word.
      socket.on("error", () => {});
      handle(socket);
    });
    await new Promise<void>((resolve) => server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, resolve));
    ports[name] = (server.address() as { port: number }).port;
  }
  process.stdout.write(`${JSON.stringify(ports)}\n`);
  process.stdin.resume().on("end", () => process.exit(0));
}
