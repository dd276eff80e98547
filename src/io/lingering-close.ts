/**
 * Closes a socket of which our half has ended, so that the peer still reads all bytes. First the bytes that the peer
 * sends are read: after a close with unread bytes the kernel sends an RST, and the RST makes the peer lose the bytes
 * that it has not read yet (RFC 1122, section 4.2.2.13). Web servers also wait for this reason (RFC 9112, section 9.6).
 */
import type { Socket } from "node:net";

/** A peer that sends nothing for so long counts as finished. */
const quietMs = 1000;
/** After so long, the socket is closed even if the peer has not finished. */
const mostMs = 3000;

/**
 * Calls `closed` just before it closes the socket, but not when the peer closes first. The caller must read the socket.
 */
export function closeLingering(socket: Socket, closed: () => void, limits = { quietMs, mostMs }): void {
  const untilMs = performance.now() + limits.mostMs;
  const close = () => {
    closed();
    socket.destroy();
  };
  const timer = setTimeout(close, limits.quietMs);
  timer.unref();
  socket.on("data", () => {
    if (performance.now() + limits.quietMs < untilMs) timer.refresh();
  });
  socket.on("close", () => clearTimeout(timer));
}
