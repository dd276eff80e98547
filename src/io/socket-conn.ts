/** A TCP or unix socket as a Conn. Breaking it sends an RST where there is one (TCP). */
import type { Socket } from "node:net";
import { type Address, formatAddress, plainHost } from "../codec/address.ts";
import type { LegNumber } from "../errors.ts";
import type { Conn } from "../flow/conn.ts";
import { brokenConnection } from "./failure.ts";
import { StreamConn } from "./stream-conn.ts";

export function socketConn(socket: Socket, leg: LegNumber, peer: Address): Conn {
  const isTcp = socket.remoteAddress !== undefined;
  // Small writes must not wait for the peer's delayed ACK (Node and Deno leave Nagle's algorithm on).
  if (isTcp) socket.setNoDelay(true);
  return new StreamConn(socket, {
    // Sixteen SSH packets come with one read: sixteen sends would wake the peer as often.
    corks: true,
    reset() {
      if (isTcp && !socket.destroyed) socket.resetAndDestroy();
      else socket.destroy();
    },
    translate: (error) => brokenConnection(error, leg, formatAddress(peer)),
  });
}

/** Both ends of a connected TCP socket as the kernel has them; undefined for a unix socket or one that is already gone. */
export function socketEnds(socket: Socket): { readonly local: Address; readonly remote: Address } | undefined {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  if (localAddress === undefined || localPort === undefined) return undefined;
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return {
    local: { host: plainHost(localAddress), port: localPort },
    remote: { host: plainHost(remoteAddress), port: remotePort },
  };
}
