/**
 * Closes a socket whose own half has ended, and loses nothing of it. What the peer still says is read first: the kernel
 * answers a close with unread bytes by an RST, which takes with it what the peer has not read yet (RFC 1122, section
 * 4.2.2.13; RFC 9112, section 9.6 has web servers wait in the same way).
 */
import type { Socket } from "node:net";

/** So long a peer says nothing before it is taken to have finished. */
const quietMs = 1000;
/** One that never finishes is closed all the same. */
const mostMs = 3000;

/** `closed` is called when it is, unless the peer ended by itself. Somebody has to read. */
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
