/** A wall between a session and its server: it lets all through until it is told to hold it back, or to end. */
import { once } from "node:events";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";

export async function freezer(server: { readonly host: string; readonly port: number }) {
  const sockets: Socket[] = [];
  let frozen = false;
  const closed = Promise.withResolvers<void>();
  const wall = createServer({ allowHalfOpen: true }, (near) => {
    const far = createConnection({ host: server.host, port: server.port, allowHalfOpen: true });
    sockets.push(near, far);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on("error", () => to.destroy());
      from.on("data", (chunk: Uint8Array) => {
        if (!frozen) to.write(chunk);
      });
      from.on("end", () => {
        if (!frozen) to.end();
      });
    }
    near.on("close", () => {
      far.destroy();
      closed.resolve();
    });
  });
  wall.listen(0, "127.0.0.1");
  await once(wall, "listening");
  return {
    host: "127.0.0.1",
    port: (wall.address() as AddressInfo).port,
    /** Resolves when the session's TCP connection is over. */
    closed: closed.promise,
    freeze() {
      frozen = true;
    },
    /** A FIN to the session. */
    end() {
      frozen = true;
      sockets[0]?.end();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      wall.close();
    },
  };
}
