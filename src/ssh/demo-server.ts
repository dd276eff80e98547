/**
 * A small sshd on a loopback port, for `porthop demo`: one user, one key made for this run, forwards to one target, and
 * no shell. The server itself answers porthop's question about its sockets, in the form of /proc/net/tcp.
 */
import type { Socket } from "node:net";
import type { Connection, ServerChannel } from "ssh2";
import type { TcpAddress } from "../codec/address.ts";
import { printSocketRow, socketTableCommand } from "../codec/capture/socket-table.ts";
import { connectTcp } from "../io/dial.ts";
import { socketEnds } from "../io/socket-conn.ts";
import type { Ssh2 } from "./ssh2/loading.ts";

export interface DemoServer {
  readonly port: number;
  readonly user: string;
  /** The key that the client logs in with. */
  readonly privateKey: string;
  /** The host key that the client must find, as a public blob. */
  readonly hostKey: Buffer;
  close(): void;
}

export async function startDemoServer(ssh2: Ssh2, target: TcpAddress): Promise<DemoServer> {
  const host = newKey(ssh2);
  const login = newKey(ssh2);
  const allowed = publicBlob(ssh2, login.public);
  const connections = new Set<Connection>();
  const server = new ssh2.Server({ hostKeys: [host.private] }, (connection) => {
    connections.add(connection);
    connection.on("close", () => connections.delete(connection));
    // A broken connection needs no report here: the demo's tunnel reports its own end.
    connection.on("error", () => {});
    connection.on("authentication", (attempt) => {
      const known = attempt.method === "publickey" && attempt.username === demoUser && attempt.key.data.equals(allowed);
      // The first request of a client has no signature and only asks about the key. When there is a signature, ssh2 has
      // checked it.
      if (known) attempt.accept();
      else attempt.reject(["publickey"]);
    });
    connection.on("ready", () => serve(connection, target));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the demo's sshd has no port");
  return {
    port: address.port,
    user: demoUser,
    privateKey: login.private,
    hostKey: publicBlob(ssh2, host.public),
    close() {
      for (const connection of connections) connection.end();
      server.close();
    },
  };
}

const demoUser = "demo";

/**
 * ssh2 1.17.0 drops a leading zero byte in about one of 230 Ed25519 keys that it generates, and cannot read such a key
 * back. So keys are made until one is readable.
 */
function newKey(ssh2: Ssh2): { readonly private: string; readonly public: string } {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync("ed25519");
    const isReadable = [pair.private, pair.public].every((text) => !(ssh2.utils.parseKey(text) instanceof Error));
    if (isReadable) return pair;
  }
}

function publicBlob(ssh2: Ssh2, text: string): Buffer {
  const key = ssh2.utils.parseKey(text);
  if (key instanceof Error) throw key;
  return key.getPublicSSH();
}

function serve(connection: Connection, target: TcpAddress): void {
  const sockets = new Set<Socket>();
  connection.on("tcpip", (accept, reject, { destIP, destPort }) => {
    if (destIP !== target.host || destPort !== target.port) return reject();
    connectTcp(target, { signal: new AbortController().signal }).then(
      (socket) => {
        sockets.add(socket);
        socket.on("close", () => sockets.delete(socket));
        join(accept(), socket);
      },
      () => reject(),
    );
  });
  connection.on("session", (accept) => {
    const session = accept();
    session.on("exec", (accepted, _rejected, { command }) => {
      const channel = accepted();
      if (command === socketTableCommand) answerQuestions(channel, sockets);
      else {
        channel.exit(0);
        channel.end();
      }
    });
  });
}

/** Each side ends on its own. When one side breaks, the other side is closed too. */
function join(channel: ServerChannel, socket: Socket): void {
  channel.on("data", (chunk: Buffer) => socket.write(chunk));
  channel.on("end", () => socket.end());
  channel.on("close", () => socket.destroy());
  socket.on("data", (chunk) => channel.write(chunk));
  socket.on("end", () => channel.end());
  socket.on("error", () => channel.close());
}

function answerQuestions(channel: ServerChannel, sockets: ReadonlySet<Socket>): void {
  const uid = 1000;
  channel.write(`${uid}\n.\n`);
  channel.on("data", () => {
    const rows = [...sockets].flatMap((socket, index) => {
      const ends = socketEnds(socket);
      if (ends === undefined) return [];
      return [`${printSocketRow(ends.local as TcpAddress, ends.remote as TcpAddress, uid, index + 1)}\n`];
    });
    channel.write(`${rows.join("")}.\n`);
  });
  channel.on("end", () => channel.close());
}
