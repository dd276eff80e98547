/**
 * The in-process ssh server's listeners for -R. They are on loopback, live as long as the connection, and open one
 * channel for each origin.
 */
import { type AddressInfo, createServer, type Server } from "node:net";
import type { Connection } from "ssh2";
import { type CarryOptions, carry } from "./ssh-server-channel.ts";

/** Grants what the client asks for (RFC 4254, section 7.1). For port 0, the system chooses the port. */
export function listenFor(connection: Connection, options: CarryOptions): void {
  const listeners = new Map<number, Server>();
  connection.on("request", (accept, reject, name, info) => {
    if (name === "cancel-tcpip-forward") {
      listeners.get(info.bindPort)?.close();
      listeners.delete(info.bindPort);
      accept?.();
      return;
    }
    if (name !== "tcpip-forward") return reject?.();
    const listener = listenerOn(connection, info.bindAddr, options);
    listener.once("error", () => reject?.());
    listener.listen(info.bindPort, "127.0.0.1", () => {
      const { port } = listener.address() as AddressInfo;
      listeners.set(port, listener);
      accept?.(port);
    });
  });
  connection.on("close", () => {
    for (const listener of listeners.values()) listener.close();
  });
}

/** The client gets `bindAddress` back as it was asked for, because the client finds its forward by this address. */
function listenerOn(connection: Connection, bindAddress: string, options: CarryOptions): Server {
  return createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) => {
    socket.on("error", () => {});
    const { remoteAddress = "", remotePort = 0, localPort = 0 } = socket;
    connection.forwardOut(bindAddress, localPort, remoteAddress, remotePort, (error, channel) => {
      if (error !== undefined) return socket.resetAndDestroy();
      carry(channel, socket, options);
      socket.resume();
    });
  });
}
