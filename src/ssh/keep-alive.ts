/**
 * ServerAliveInterval as in ssh: all bytes from the server prove that the server is alive (OpenSSH: packet.c,
 * keep_alive_timeouts). ssh2 1.17.0 counts only the answers to its own questions. On a slow line these answers wait
 * behind all other data, so ssh2 would give up the busiest sessions first.
 */
import type { Duplex } from "node:stream";
import type { Ports } from "./ssh2/ports.ts";

/** Call this when the session is ready; ssh2 asks nothing before. `intervalMs` is 0 when nothing is to be asked. */
export function heedTraffic(
  ports: Pick<Ports, "restartKeepAlive">,
  stream: Duplex,
  intervalMs: number,
  now = () => performance.now(),
): void {
  if (intervalMs <= 0) return;
  let sinceMs = now();
  stream.on("data", () => {
    const atMs = now();
    // A restart makes a new timer, which costs too much for each of thousands of chunks.
    if (atMs - sinceMs < intervalMs / 4) return;
    sinceMs = atMs;
    ports.restartKeepAlive();
  });
}
