/**
 * A long line before a server: `HOST PORT DELAY_MS`. It prints one line of JSON that says on which port of the same host it
 * listens, and ends when its stdin ends. Used by long-line.ts.
 */
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";
import { DelayedWay } from "./delayed-way.ts";

const [host = "", port = "", delayMs = ""] = process.argv.slice(2);
const listener = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
  const far = createConnection({ host, port: Number(port), allowHalfOpen: true, noDelay: true });
  join(near, far);
});
listener.listen({ host, port: 0, backlog: 1024 }, () => {
  console.log(JSON.stringify({ port: (listener.address() as AddressInfo).port }));
});
process.stdin.resume().on("end", () => process.exit(0));

/** A side that breaks off breaks the other at once: what was under way is lost, as on a real line. */
function join(near: Socket, far: Socket): void {
  const ways = [new DelayedWay(near, far, Number(delayMs)), new DelayedWay(far, near, Number(delayMs))];
  const ended = new Set<Socket>();
  for (const [socket, other] of [
    [near, far],
    [far, near],
  ] as const) {
    socket.on("end", () => ended.add(socket));
    // "close" follows.
    socket.on("error", () => {});
    socket.on("close", () => {
      if (ended.size === 2) return;
      for (const way of ways) way.stop();
      other.resetAndDestroy();
    });
  }
}
