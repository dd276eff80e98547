/**
 * ServerAliveInterval as ssh has it: whatever the server sends shows that it is alive (OpenSSH: packet.c,
 * keep_alive_timeouts). ssh2 1.17.0 counts answers to its own questions and nothing else, and on a slow line those wait
 * behind all the data that is under way: the busiest session would be given up first.
 */
import type { Duplex } from "node:stream";
import type { Ports } from "./ssh2/ports.ts";

/** Call it when the session is ready: before, ssh2 asks nothing yet. */
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
    // It makes a new timer: not for each of thousands of chunks.
    if (atMs - sinceMs < intervalMs / 4) return;
    sinceMs = atMs;
    ports.restartKeepAlive();
  });
}
