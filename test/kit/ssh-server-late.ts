/**
 * What a client still sends for a channel behind its own CHANNEL_CLOSE, as the in-process ssh server gets it. RFC 4254
 * section 5.3 has nothing come there; a real server has given the number to another channel by then, or ends the session.
 * ssh2's server gives no number out twice (utils.js, ChannelManager), so each such message is seen.
 */
import type { Connection } from "ssh2";
import { watchMessages } from "./ssh2-server-view.ts";

/** Adds a line to `late` for each one: `WINDOW_ADJUST for channel 7`. */
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
