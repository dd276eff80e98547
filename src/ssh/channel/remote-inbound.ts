/**
 * A connection that arrived on the server's side of a forward, as an Inbound. The server wants to open a channel for
 * this connection (RFC 4254, section 7.2). The caller answers once, with a confirmation or with a true reason; nothing
 * answers by itself.
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
  /**
   * The originator as the server names it; a hostile server may send anything. Undefined for a unix socket, which has
   * no originator.
   */
  readonly originator: TcpAddress | undefined;
  /** Where the server was asked to listen, with the true port. */
  readonly listen: Address;
  /** The server as our session reached it. */
  readonly server: Address;
  /** Called once: when the channel is refused, or when it is closed. */
  readonly over: () => void;
}

export interface RemoteCarrier {
  /** The reason why the session is gone; undefined while the session lives. */
  readonly goneBy: PorthopError | undefined;
  /** Makes a conn of the channel. Called before any bytes that follow the confirmation are read. */
  adopt(channel: ClientChannel, origin: string): Conn;
}

export function remoteInbound(open: RemoteOpen, carrier: RemoteCarrier): Inbound {
  const origin = originOf(open);
  let answered = false;
  return {
    origin,
    // The server repeats only the address that it was asked to listen on. It does not say which address the origin
    // connected to, so that address is our conclusion.
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

/** Opens the channel. Returns an error when the session has ended. */
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

/**
 * OpenSSH sends UNKNOWN when it cannot tell the address (canohost.c, get_peer_ipaddr). A hostile server may send
 * anything.
 */
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
