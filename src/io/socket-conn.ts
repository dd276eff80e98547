/** A TCP or unix socket as a Conn. A break of a TCP socket sends an RST. */
import type { Socket } from "node:net";
import { type Address, formatAddress, isUnix, plainHost } from "../codec/address.ts";
import type { LegNumber } from "../errors.ts";
import type { Conn } from "../flow/conn.ts";
import { closeLingering } from "./lingering-close.ts";
import { brokenConnection } from "./socket-failure.ts";
import { StreamConn } from "./stream-conn.ts";

/** `mayWait` is for a connection that came in, whose target may have to be waited for. */
export function socketConn(socket: Socket, leg: LegNumber, peer: Address, { mayWait } = { mayWait: false }): Conn {
  const isTcp = !isUnix(peer);
  // Small writes must not wait for the peer's delayed ACK (Node and Deno leave Nagle's algorithm on).
  if (isTcp) {
    socket.setNoDelay(true);
    failByReset(socket);
  }
  return new StreamConn(socket, {
    mayWait,
    // One read can bring sixteen SSH packets, and sixteen separate sends would wake the peer sixteen times.
    corks: true,
    reset() {
      if (isTcp && !socket.destroyed) socket.resetAndDestroy();
      else socket.destroy();
    },
    close: (ended) => closeLingering(socket, ended),
    translate: (error) => brokenConnection(error, leg, formatAddress(peer)),
  });
}

/**
 * Makes a failed write send an RST. The runtime destroys the socket before its `error` event and without a reset, so
 * that the kernel sends a FIN if the peer is still there: a clean end, although bytes were lost. Under Deno 2.9 this
 * happens whenever the peer has ended its half and does not read for a while, because Deno takes the end of the half
 * for a break (denoland/deno, pull request 33860).
 */
function failByReset(socket: Socket): void {
  const { destroy } = socket;
  socket.destroy = (error) => {
    socket.destroy = destroy;
    if (error === undefined || error === null || socket.destroyed) return socket.destroy(error);
    // The `error` event must come before `end` and `close`, which Bun emits at once.
    socket.emit("error", error);
    socket.resetAndDestroy();
    return socket;
  };
}

/**
 * Both ends of a connected TCP socket, as the kernel reports them; undefined for a unix socket or a closed socket.
 * `known` is our own end where it needs no asking.
 */
export function socketEnds(
  socket: Socket,
  known?: Address,
): { readonly local: Address; readonly remote: Address } | undefined {
  const local = known ?? addressOf(socket.localAddress, socket.localPort);
  const remote = addressOf(socket.remoteAddress, socket.remotePort);
  return local === undefined || remote === undefined ? undefined : { local, remote };
}

function addressOf(host: string | undefined, port: number | undefined): Address | undefined {
  return host === undefined || port === undefined ? undefined : { host: plainHost(host), port };
}
