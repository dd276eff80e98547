/**
 * An SSH channel as a Conn. What the raw channel hides is brought out here: a channel closed without an EOF, or gone
 * with its session, is a break and never a clean end.
 */
import type { ClientChannel } from "ssh2";
import { type LegNumber, PorthopError } from "../../errors.ts";
import type { Conn } from "../../flow/conn.ts";
import { StreamConn } from "../../io/stream-conn.ts";
import { ChannelFault, channelFault } from "../failure.ts";

export interface ChannelCarrier {
  /** The reason, once the session is gone. */
  readonly goneBy: PorthopError | undefined;
  /** ssh2 ignores the socket's back-pressure: resolves when the socket has room again. */
  congestion(): Promise<void> | undefined;
}

/** The parts of a channel that ssh2's types do not show (ssh2 1.17.0, lib/Channel.js). */
interface ChannelInternals {
  readonly incoming: { state: "open" | "eof" | "closed" };
  push(chunk: Uint8Array | null): boolean;
}

/** `where` is who is at the other end of the channel: a target behind leg 3, or an origin on leg 1. */
export function channelConn(channel: ClientChannel, carrier: ChannelCarrier, where: string, leg: LegNumber = 3): Conn {
  const internals = channel as unknown as ChannelInternals;
  let sawEof = false;
  // At push(null) the state tells what brought it: "eof" is CHANNEL_EOF, "closed" a CHANNEL_CLOSE without one, which
  // the stream's own events cannot tell apart.
  const push = internals.push.bind(channel);
  internals.push = (chunk) => {
    if (chunk === null && internals.incoming.state === "eof") sawEof = true;
    return push(chunk);
  };
  // A forward has no stderr: what a server sends there all the same must not use up the channel's window.
  channel.stderr.resume();
  const [way, who] = leg === 1 ? ["from", "origin"] : ["to", "target"];
  const closed = () =>
    new PorthopError("target.unreachable", `the server closed the channel ${way} ${where} in the middle`, {
      leg,
      hint: `the ${who} or the server broke the connection`,
    });
  return new StreamConn(channel, {
    reset() {
      if (carrier.goneBy === undefined) channel.close();
      // Nobody reads any more, but the channel must see its end to be forgotten.
      channel.resume();
    },
    endedBy: () => carrier.goneBy ?? (sawEof ? undefined : closed()),
    translate: (error) =>
      carrier.goneBy ?? (error instanceof ChannelFault ? channelFault(error, where, leg) : closed()),
    congestion: () => carrier.congestion(),
  });
}
