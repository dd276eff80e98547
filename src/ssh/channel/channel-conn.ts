/**
 * An SSH channel as a Conn. What the raw channel hides is brought out here: a channel that is gone with its session is
 * broken, and one that the server closes has ended, with or without an EOF before (RFC 4254, section 5.3).
 */
import type { ClientChannel } from "ssh2";
import { type LegNumber, PorthopError } from "../../errors.ts";
import type { Conn } from "../../flow/conn.ts";
import { StreamConn } from "../../io/stream-conn.ts";
import { ChannelFault, channelFault } from "../ssh-failure.ts";

export interface ChannelCarrier {
  /** The reason, once the session is gone. */
  readonly goneBy: PorthopError | undefined;
  /** ssh2 ignores the socket's back-pressure: resolves when the socket has room again. */
  congestion(): Promise<void> | undefined;
}

/** `where` is who is at the other end of the channel: a target behind leg 3, or an origin on leg 1. */
export function channelConn(channel: ClientChannel, carrier: ChannelCarrier, where: string, leg: LegNumber = 3): Conn {
  // A forward has no stderr: what a server sends there all the same must not use up the channel's window.
  channel.stderr.resume();
  const [way, who] = leg === 1 ? ["from", "origin"] : ["to", "target"];
  const closed = () =>
    new PorthopError("target.unreachable", `the server closed the channel ${way} ${where} in the middle`, {
      leg,
      hint: `the ${who} or the server broke the connection`,
    });
  const close = () => {
    if (carrier.goneBy === undefined) channel.close();
    // Nobody reads any more, but the channel must see its end to be forgotten.
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
