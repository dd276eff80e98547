/** Asks the server for a channel to a target that it dials (RFC 4254, section 7.2), as a conn or as a stream. */
import type { Duplex } from "node:stream";
import type { Client, ClientChannel } from "ssh2";
import { type Address, isUnix } from "../../codec/address.ts";
import type { PorthopError } from "../../errors.ts";
import type { Cancel } from "../../flow/conn.ts";
import { JoinedStream } from "../../io/joined-stream.ts";
import { channelRefused, type Peer } from "../ssh-failure.ts";

/** Of the session that the channel is asked for. */
export interface ChannelRequester {
  readonly peer: Peer;
  /** The reason, once the session is gone. */
  readonly goneBy: PorthopError | undefined;
}

/** The originator that sshd is told for a connection of our own (RFC 4254, section 7.2), as `ssh -W` tells it. */
export const nobody = { host: "127.0.0.1", port: 65535 };

/** `made` is called before anything else that came with the answer is read: a target may say all it has at once. */
export function requestChannel<T>(
  client: Client,
  session: ChannelRequester,
  target: Address,
  origin: Address,
  signal: Cancel,
  made: (channel: ClientChannel) => T,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    const answer = (error: Error | undefined, channel: ClientChannel) => {
      signal.removeEventListener("abort", onAbort);
      if (error !== undefined) return reject(session.goneBy ?? channelRefused(error, target, session.peer));
      // Nobody waits any more: SSH cannot take an open request back, only close what it gave.
      if (signal.aborted) return channel.close();
      resolve(made(channel));
    };
    // The protocol wants an address and port for the originator (RFC 4254, section 7.2); a unix socket has none.
    const from = isUnix(origin) ? { host: "127.0.0.1", port: 0 } : origin;
    try {
      if (isUnix(target)) client.openssh_forwardOutStreamLocal(target.path, answer);
      else client.forwardOut(from.host, from.port, target.host, target.port, answer);
    } catch (error) {
      answer(error as Error, undefined as never);
    }
  });
}

/** For the transport of a session inside this one. */
export function streamOf(channel: ClientChannel): Duplex {
  channel.stderr.resume();
  return new JoinedStream(channel, channel, {
    release() {
      channel.close();
      // The channel must see its end to be forgotten.
      channel.resume();
    },
  });
}
