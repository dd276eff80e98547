/** Unix sockets of other programs: a file on which no program listens any more, and a program that answers late. */
import { once } from "node:events";
import { renameSync } from "node:fs";
import { createServer } from "node:net";

/** Makes the socket of a killed program: the file exists, and no program listens. */
export async function staleSocket(path: string): Promise<void> {
  const server = createServer();
  const elsewhere = `${path}-`;
  server.listen(elsewhere);
  await once(server, "listening");
  // A socket that was moved is not removed with its server.
  renameSync(elsewhere, path);
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

/** Reads each connection to its end, and then sends `late`. */
export async function lateSocket(path: string): Promise<AsyncDisposable> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.resume();
    socket.on("end", () => socket.end("late"));
    socket.on("error", () => {});
  });
  server.listen(path);
  await once(server, "listening");
  return {
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
