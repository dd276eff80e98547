/**
 * Asks the server for a channel to a target that the server dials (RFC 4254, section 7.2). The channel comes as a conn
 * or as a stream.
 */
import type { Duplex } from "node:stream";
import type { ClientChannel } from "ssh2";
import { type Address, isUnix } from "../../codec/address.ts";
import type { PorthopError } from "../../errors.ts";
import type { Cancel } from "../../flow/conn.ts";
import { JoinedStream } from "../../io/joined-stream.ts";
import { channelRefused, type Peer } from "../ssh-failure.ts";
import type { Ports } from "../ssh2/ports.ts";

/** What is used of the session that is asked for the channel. */
export interface ChannelRequester {
  readonly peer: Peer;
  /** The reason why the session is gone; undefined while the session lives. */
  readonly goneBy: PorthopError | undefined;
}

/**
 * The originator (RFC 4254, section 7.2) that sshd is told for a connection that porthop itself makes. `ssh -W` sends
 * these values too.
 */
export const nobody = { host: "127.0.0.1", port: 65535 };

/**
 * Rejects when the server refuses, the session is lost or `signal` fires. `made` is called before any bytes that follow
 * the server's answer are read, because a target may send all its data at once.
 */
export function requestChannel<T>(
  { client, answeredAfter }: Pick<Ports, "client" | "answeredAfter">,
  session: ChannelRequester,
  target: Address,
  origin: Address,
  signal: Cancel,
  made: (channel: ClientChannel) => T,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    const askedMs = performance.now();
    const answer = (error: Error | undefined, channel: ClientChannel) => {
      signal.removeEventListener("abort", onAbort);
      if (error === undefined) answeredAfter(performance.now() - askedMs);
      else return reject(session.goneBy ?? channelRefused(error, target, session.peer));
      // The caller no longer waits. SSH cannot take back a request for a channel; the channel can only be closed once
      // the server has opened it.
      if (signal.aborted) return channel.close();
      resolve(made(channel));
    };
    // The protocol wants an address and a port for the originator (RFC 4254, section 7.2). A unix socket has neither.
    const from = isUnix(origin) ? { host: "127.0.0.1", port: 0 } : origin;
    try {
      if (isUnix(target)) client.openssh_forwardOutStreamLocal(target.path, answer);
      else client.forwardOut(from.host, from.port, target.host, target.port, answer);
    } catch (error) {
      answer(error as Error, undefined as never);
    }
  });
}

/** The channel as the stream under another session, which is reached through this one. */
export function streamOf(channel: ClientChannel): Duplex {
  channel.stderr.resume();
  return new JoinedStream(channel, channel, {
    release() {
      channel.close();
      // ssh2 forgets the channel only after the channel's end was read.
      channel.resume();
    },
  });
}
