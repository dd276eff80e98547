/**
 * A connection that came in on the server's side of a forward: a channel that the server wants to open (RFC 4254,
 * section 7.2), as an Inbound. It is answered once, with a confirmation or with a true reason, and never by itself.
 */
import { isIP } from "node:net";
import type { ClientChannel } from "ssh2";
import { type Address, formatAddress, isLoopback, isUnix, plainHost, type TcpAddress } from "../../codec/address.ts";
import { PorthopError } from "../../errors.ts";
import type { Conn, Inbound } from "../../flow/conn.ts";
import { openRefusal } from "../ssh-failure.ts";
import type { ChannelOpening } from "../ssh2/channel-opening.ts";

export interface RemoteOpen {
  readonly opening: ChannelOpening;
  /** As the server says it, which may be anything; undefined for a unix socket, where nobody knows. */
  readonly originator: TcpAddress | undefined;
  /** Where the server was asked to listen, with the true port. */
  readonly listen: Address;
  /** The server as our session reached it. */
  readonly server: Address;
  /** Called once, when it was refused or the channel is closed. */
  readonly over: () => void;
}

export interface RemoteCarrier {
  /** The reason, once the session is gone. */
  readonly goneBy: PorthopError | undefined;
  /** Makes a conn of the channel; called before anything that follows its confirmation is read. */
  adopt(channel: ClientChannel, origin: string): Conn;
}

export function remoteInbound(open: RemoteOpen, carrier: RemoteCarrier): Inbound {
  const origin = originOf(open);
  let answered = false;
  return {
    origin,
    // The server says only what it was asked for, not where the origin connected to: the address is our inference.
    leg: { from: origin, to: connectedTo(origin, open), observed: false },
    async accept() {
      answered = true;
      const channel = acceptOpening(open.opening, carrier);
      if (channel instanceof PorthopError) {
        open.over();
        throw channel;
      }
      channel.on("close", open.over);
      return carrier.adopt(channel, formatAddress(origin));
    },
    refuse(error) {
      if (answered) return;
      answered = true;
      open.over();
      if (carrier.goneBy === undefined) open.opening.refuse(openRefusal(error));
    },
  };
}

/** The channel, or why there is none: the session may be over by now. */
export function acceptOpening(
  opening: ChannelOpening,
  { goneBy }: Pick<RemoteCarrier, "goneBy">,
): ClientChannel | PorthopError {
  if (goneBy !== undefined) return goneBy;
  try {
    return opening.accept();
  } catch (error) {
    const text = "the session ended while a connection from the server was being accepted";
    return new PorthopError("ssh.lost", text, { leg: 2, cause: error });
  }
}

/** OpenSSH says UNKNOWN where it cannot tell (canohost.c, get_peer_ipaddr), and a hostile server whatever it likes. */
function originOf({ originator, listen }: RemoteOpen): Address {
  if (originator === undefined) return listen;
  const host = isIP(originator.host) === 0 ? "unknown" : plainHost(originator.host);
  return { host, port: originator.port <= 65535 ? originator.port : 0 };
}

function connectedTo(origin: Address, { listen, server }: RemoteOpen): Address {
  if (isUnix(listen) || isUnix(origin)) return listen;
  const { port } = listen;
  const family = isIP(origin.host);
  const isFamily = (host: string) => family !== 0 && isIP(host) === family;
  if (isLoopback(origin.host)) {
    if (isFamily(listen.host) && isLoopback(listen.host)) return listen;
    return { host: family === 6 ? "::1" : "127.0.0.1", port };
  }
  if (isFamily(listen.host) && !isLoopback(listen.host) && !isUnspecified(listen.host)) return listen;
  if (!isUnix(server) && (family === 0 || isFamily(server.host))) return { host: server.host, port };
  return { host: family === 6 ? "::" : "0.0.0.0", port };
}

function isUnspecified(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}
