/**
 * An SSH channel as a Conn. ssh2's channel does not show how it ended; the Conn does. A channel whose session is lost
 * counts as broken. A channel that the server closes counts as ended, with or without an EOF before (RFC 4254, section
 * 5.3).
 */
import type { ClientChannel } from "ssh2";
import { type LegNumber, PorthopError } from "../../errors.ts";
import type { Conn } from "../../flow/conn.ts";
import { StreamConn } from "../../io/stream-conn.ts";
import { ChannelFault, channelFault } from "../ssh-failure.ts";

export interface ChannelCarrier {
  /** The reason why the session is gone; undefined while the session lives. */
  readonly goneBy: PorthopError | undefined;
  /** Asked after each write. Undefined when more may be written; otherwise a promise that resolves when it may. */
  congestion(): Promise<void> | undefined;
}

/** `where` names the other end of the channel for messages: a target behind leg 3, or an origin on leg 1. */
export function channelConn(channel: ClientChannel, carrier: ChannelCarrier, where: string, leg: LegNumber = 3): Conn {
  // A forward has no stderr. What a server sends there must still be read, or the channel's window stays used up.
  channel.stderr.resume();
  const [way, who] = leg === 1 ? ["from", "origin"] : ["to", "target"];
  const closed = () =>
    new PorthopError("target.unreachable", `the server closed the channel ${way} ${where} in the middle`, {
      leg,
      hint: `the ${who} or the server broke the connection`,
    });
  const close = () => {
    if (carrier.goneBy === undefined) channel.close();
    // No reader is left, but ssh2 forgets the channel only after the channel's end was read.
    channel.resume();
  };
  return new StreamConn(channel, {
    reset: close,
    close(ended) {
      ended();
      close();
    },
    endedBy: () => carrier.goneBy,
    translate: (error) =>
      carrier.goneBy ?? (error instanceof ChannelFault ? channelFault(error, where, leg) : closed()),
    congestion: () => carrier.congestion(),
  });
}
