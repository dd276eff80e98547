/**
 * The floor of the runtime: a program that takes `-L PORT-HERE:TARGET` as porthop does, and joins sockets of node:net
 * without anything between. What it takes for a connection or a byte, no program on this runtime can save.
 */
import { createConnection, createServer, type Socket } from "node:net";

const words = process.argv.slice(2);
for (const [index, word] of words.entries()) {
  if (words[index - 1] !== "-L") continue;
  const [host = "", port = "", targetHost = "", targetPort = ""] = word.split(":");
  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const far = createConnection({ host: targetHost, port: Number(targetPort), allowHalfOpen: true, noDelay: true });
    pass(near, far);
    pass(far, near);
  });
  listener.listen({ host, port: Number(port), backlog: 1024 });
}

function pass(from: Socket, to: Socket): void {
  from.on("data", (chunk: Uint8Array) => {
    if (!to.write(chunk)) from.pause();
  });
  to.on("drain", () => from.resume());
  from.on("end", () => to.end());
  from.on("error", () => to.destroy());
}
