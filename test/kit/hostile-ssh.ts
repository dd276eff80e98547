/**
 * An ssh server that breaks the rules: ssh2's server, with a way to send any message at any time. The test decides what
 * the server does wrong.
 */
import type { AddressInfo, Socket } from "node:net";
import type { AuthContext, Connection, ServerChannel } from "ssh2";
import { sendPayload } from "../../src/ssh/ssh2/sending.ts";
import { ssh2 } from "./loaded-ssh2.ts";
import { makeSshKey } from "./ssh-server.ts";
import { serverChannelView, serverView, watchMessages } from "./ssh2-server-view.ts";

export interface Manners {
  /** Replaces letting every client in. */
  readonly login?: (context: AuthContext, peer: Peer) => void;
  readonly ready?: (peer: Peer) => void;
  /**
   * Replaces refusing each channel. `accept` gives the channel, and the number by which the client knows the channel.
   */
  readonly open?: (peer: Peer, accept: () => Accepted) => void;
  /** With this, the server says yes when it is asked to listen, instead of refusing. Called right after the yes. */
  readonly listens?: (peer: Peer) => void;
}

export interface Accepted {
  readonly channel: ServerChannel;
  readonly id: Uint8Array;
}

/** One connection of a client. */
export interface Peer {
  readonly socket: Socket;
  /**
   * How many answers have come: successes and failures of global requests and of channel requests, and answers to
   * opened channels.
   */
  readonly answers: number;
  /** Sends a message unchanged: its number, and the bytes that follow. */
  send(...parts: readonly (number | Uint8Array)[]): void;
  /** The next accepted channel is confirmed with these numbers instead of the usual ones. */
  confirmWith(windowBytes: number, packetBytes: number): void;
}

export interface HostileSsh extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Flags for porthop, to stand before the host's name. The server is unknown, and nothing is saved about it. */
  readonly sshArgs: readonly string[];
}

/** A string of the SSH protocol (RFC 4251, section 5). */
export function text(content: string): Uint8Array {
  return Buffer.concat([uint32(Buffer.byteLength(content)), Buffer.from(content)]);
}

export function uint32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export async function hostileSsh(manners: Manners): Promise<HostileSsh> {
  const sockets = new Set<Socket>();
  const server = new ssh2.Server({ hostKeys: [makeSshKey().private] }, (connection) => {
    const peer = peerOf(connection);
    sockets.add(peer.socket);
    // Clients are expected to close the connection to this server.
    connection.on("error", () => {});
    connection.on("authentication", (context) => (manners.login ?? accept)(context, peer));
    connection.on("ready", () => manners.ready?.(peer));
    connection.on("request", (yes, no) => {
      if (manners.listens === undefined) return no?.();
      yes?.();
      manners.listens(peer);
    });
    connection.on("tcpip", (take, refuse) =>
      manners.open === undefined ? refuse() : manners.open(peer, () => accepted(take())),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const settings = ["UserKnownHostsFile=none", "GlobalKnownHostsFile=none", "StrictHostKeyChecking=no"];
  return {
    host: "127.0.0.1",
    port,
    sshArgs: ["-F", "none", "-l", "alice", "-p", String(port), ...settings.flatMap((setting) => ["-o", setting])],
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.resetAndDestroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function accept(context: AuthContext): void {
  context.accept();
}

function accepted(channel: ServerChannel): Accepted {
  return { channel, id: uint32(serverChannelView(channel).outgoing.id) };
}

const answerNames = [
  "REQUEST_SUCCESS",
  "REQUEST_FAILURE",
  "CHANNEL_SUCCESS",
  "CHANNEL_FAILURE",
  "CHANNEL_OPEN_FAILURE",
  "CHANNEL_OPEN_CONFIRMATION",
];

function peerOf(connection: Connection): Peer {
  const { _protocol: protocol, _sock: socket } = serverView(connection);
  let answers = 0;
  for (const name of answerNames) watchMessages(connection, name, () => answers++);
  return {
    socket,
    get answers() {
      return answers;
    },
    send(...parts) {
      const bytes = parts.map((part) => (typeof part === "number" ? Uint8Array.of(part) : part));
      sendPayload(protocol, Buffer.concat(bytes));
    },
    confirmWith(windowBytes, packetBytes) {
      const original = protocol.channelOpenConfirm;
      protocol.channelOpenConfirm = (remote, local) => {
        protocol.channelOpenConfirm = original;
        original.call(protocol, remote, local, windowBytes, packetBytes);
      };
    },
  };
}
