/**
 * What tests touch of ssh2's server that its types do not show (ssh2 1.17.0, lib/server.js): for what a server's users are not
 * let do. Its protocol is of the class that a client has.
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

/** The server's end of a channel. Its window is what the client lets it send. */
export function serverChannelView(channel: ServerChannel): Pick<ChannelView, "outgoing"> & {
  readonly outgoing: { window: number };
} {
  return channel as unknown as ReturnType<typeof serverChannelView>;
}

/** Shows `look` each of the client's messages of one kind before the server has it; of a channel's its number. */
export function watchMessages(connection: Connection, kind: string, look: (recipient: number) => void): void {
  const handlers: ServerHandlers = serverView(connection)._protocol._handlers;
  const { [kind]: take } = handlers;
  handlers[kind] = (self, recipient, ...rest) => {
    look(recipient);
    take?.(self, recipient, ...rest);
  };
}
