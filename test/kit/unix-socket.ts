/** Unix sockets that others left or hold: a file on which nobody listens any more, and a program that answers late. */
import { once } from "node:events";
import { renameSync } from "node:fs";
import { createServer } from "node:net";

/** As a program that was killed leaves it: the file is there, and nobody listens. */
export async function staleSocket(path: string): Promise<void> {
  const server = createServer();
  const elsewhere = `${path}-`;
  server.listen(elsewhere);
  await once(server, "listening");
  // What has been moved is not removed with its server.
  renameSync(elsewhere, path);
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

/** Reads to the end of each connection, and then says `late`. */
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
