/**
 * The parts of ssh2's server that tests use and that its types do not show (ssh2 1.17.0, lib/server.js), for actions
 * that ssh2 does not offer to a server's users. The server's protocol has the class of a client's protocol.
 */
import type { Socket } from "node:net";
import type { Connection, ServerChannel } from "ssh2";
import type { ChannelView, Handlers, ProtocolView } from "../../src/ssh/ssh2/view.ts";

export interface ServerView {
  readonly _sock: Socket;
  readonly _protocol: ServerProtocol;
}

export interface ServerProtocol extends ProtocolView {
  readonly _handlers: Handlers & ServerHandlers;
  /** The private keys, by algorithm. */
  _hostKeys: object;
  channelOpenConfirm(remote: number, local: number, windowBytes: number, packetBytes: number): void;
  channelData(recipient: number, data: Uint8Array): void;
  channelExtData(recipient: number, data: Uint8Array, type: number): void;
  channelEOF(recipient: number): void;
  forwardedTcpip(local: number, windowBytes: number, packetBytes: number, info: object): void;
}

interface ServerHandlers {
  [kind: string]: ((self: unknown, recipient: number, ...rest: never[]) => void) | undefined;
}

export function serverView(connection: Connection): ServerView {
  return connection as unknown as ServerView;
}

/** The server's end of a channel. Its window is the number of bytes that the client allows. */
export function serverChannelView(channel: ServerChannel): Pick<ChannelView, "outgoing"> & {
  readonly outgoing: { window: number };
} {
  return channel as unknown as ReturnType<typeof serverChannelView>;
}

/**
 * `look` sees each message of one kind from the client, before the server does. It gets the channel's number for
 * messages about a channel.
 */
export function watchMessages(connection: Connection, kind: string, look: (recipient: number) => void): void {
  const handlers: ServerHandlers = serverView(connection)._protocol._handlers;
  const { [kind]: take } = handlers;
  handlers[kind] = (self, recipient, ...rest) => {
    look(recipient);
    take?.(self, recipient, ...rest);
  };
}
