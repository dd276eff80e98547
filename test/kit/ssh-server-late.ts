/**
 * Messages that a client sends for a channel after its own CHANNEL_CLOSE, seen by the in-process ssh server. RFC 4254,
 * section 5.3 allows none. A real server may have given the number to another channel, or ends the session. ssh2's
 * server never uses a number twice (utils.js, ChannelManager), so each such message is seen.
 */
import type { Connection } from "ssh2";
import { watchMessages } from "./ssh2-server-view.ts";

/** Adds a line to `late` for each such message: `WINDOW_ADJUST for channel 7`. */
export function watchLate(connection: Connection, late: string[]): void {
  const closed = new Set<number>();
  for (const name of names) {
    watchMessages(connection, `CHANNEL_${name}`, (recipient) => {
      if (closed.has(recipient)) late.push(`${name} for channel ${recipient}`);
      if (name === "CLOSE") closed.add(recipient);
    });
  }
}

const names = ["WINDOW_ADJUST", "DATA", "EXTENDED_DATA", "EOF", "CLOSE", "REQUEST"];
