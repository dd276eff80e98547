/**
 * An ssh server inside the test's process, for three things: logins that a real sshd cannot do without PAM (passwords,
 * prompts in rounds, several methods in a row), refusals with any reason of RFC 4254, and misbehaviour on command.
 */
import { writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import type { Connection, ServerChannel, TcpipRequestInfo } from "ssh2";
import { ssh2 } from "./loaded-ssh2.ts";
import type { Loopback, ServerOptions } from "./servers.ts";
import { type Attempt, type LoginRules, logins } from "./ssh-logins.ts";
import { type CarryOptions, carry, dial } from "./ssh-server-channel.ts";
import { watchLate } from "./ssh-server-late.ts";
import { listenFor } from "./ssh-server-listener.ts";
import { serverView } from "./ssh2-server-view.ts";
import { removeTemp, tempDirectory } from "./temp.ts";
import { Waiting } from "./waiting.ts";

/** How the server answers one direct-tcpip channel. */
export type ForwardAnswer =
  /** Really dials, as a good server does. An unreachable target is refused with reason 2. */
  | "dial"
  /** Never answers. */
  | "hang"
  /** Destroys the TCP connection instead of answering. */
  | "drop"
  /** RFC 4254, section 5.1: 1 prohibited, 2 connect failed, 3 unknown type, 4 resource shortage. */
  | { readonly refuse: 1 | 2 | 3 | 4; readonly text?: string }
  /** Dials, and closes the channel without EOF once this many bytes of the target have gone down. */
  | { readonly cutAfterBytes: number }
  /** Dials, and closes the channel without EOF once the target has ended and all its bytes were sent. */
  | "dial-and-close-without-eof";

export interface ExecAnswer {
  readonly stdout?: string;
  readonly stderr?: string;
  readonly code: number;
}

export interface SshServerOptions extends ServerOptions, LoginRules {
  /** An OpenSSH private key, such as another server's `hostKey`. Undefined for a fresh Ed25519 key. */
  readonly hostKey?: string;
  /** Sent before authentication (RFC 4252, section 5.4), with all control characters. */
  readonly banner?: string;
  /** Lines sent before the identification string (RFC 4253, section 4.2). */
  readonly greeting?: string;
  /** The software version in the identification string. */
  readonly ident?: string;
  readonly forward?: (request: TcpipRequestInfo) => ForwardAnswer;
  /**
   * With a value, the server listens on loopback when asked (RFC 4254, section 7.1) and closes the channels in this
   * way. Without one, the server refuses.
   */
  readonly listen?: "close" | "close-without-eof";
  /** Hears of each connection before its first key exchange. */
  readonly connected?: (connection: Connection) => void;
  /** Answers commands. Without this, commands are refused. */
  readonly exec?: (command: string) => ExecAnswer;
}

/** Counts of what the server has seen. They are live: numbers and lists grow. */
export interface SshServerCounts {
  connections: number;
  logins: number;
  readonly attempts: Attempt[];
  /** All direct-tcpip requests, in order. */
  readonly requests: TcpipRequestInfo[];
  opened: number;
  refused: number;
  readonly commands: string[];
  /** Each message for a channel that came after the client's own CHANNEL_CLOSE. */
  readonly late: string[];
}

export interface SshServer extends AsyncDisposable {
  readonly host: Loopback;
  readonly port: number;
  /** The private key, for another server with this host key. */
  readonly hostKey: string;
  /** `ssh-ed25519 AAAA...` */
  readonly publicHostKey: string;
  readonly knownHostsFile: string;
  /** Flags for ssh and for porthop, to stand before the host's name. The test adds the flags for the login. */
  readonly sshArgs: readonly string[];
  readonly counts: SshServerCounts;
  /** Channels that are open now. */
  readonly openChannels: number;
  /** Resolves once no channel is open. A leak shows as a timeout. */
  idle(): Promise<void>;
  /** Resets (RST) all connections that are open now. New connections are served. */
  drop(): void;
  close(): Promise<void>;
}

export async function startSshServer(options: SshServerOptions = {}): Promise<SshServer> {
  const hostKey = options.hostKey ?? makeSshKey().private;
  const serving = new Serving(options);
  const sockets = new Set<Socket>();
  const ssh = new ssh2.Server(
    {
      hostKeys: [hostKey],
      ...(options.banner === undefined ? {} : { banner: options.banner }),
      ...(options.greeting === undefined ? {} : { greeting: options.greeting }),
      ...(options.ident === undefined ? {} : { ident: options.ident }),
    },
    (connection) => serving.serve(connection),
  );
  // ssh2's own listener hides the sockets, and a server that misbehaves has to reset them.
  const listener = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    ssh.injectSocket(socket);
  });
  const drop = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const host = options.host ?? "127.0.0.1";
  await new Promise<void>((resolve, reject) => {
    listener.once("error", reject);
    listener.listen(options.port ?? 0, host, resolve);
  });
  const { port } = listener.address() as AddressInfo;
  const identity = identify(host, port, hostKey);
  const close = async () => {
    drop();
    if (!listener.listening) return;
    await new Promise<void>((resolve) => listener.close(() => resolve()));
    removeTemp(identity.directory);
  };
  return {
    host,
    port,
    hostKey,
    publicHostKey: identity.publicHostKey,
    knownHostsFile: identity.knownHostsFile,
    sshArgs: identity.sshArgs,
    counts: serving.counts,
    get openChannels() {
      return serving.openChannels;
    },
    idle: () => serving.idle(),
    drop,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A fresh Ed25519 key: `private` in OpenSSH's format, `public` as a line of authorized_keys. */
export function makeSshKey(): { readonly private: string; readonly public: string } {
  for (;;) {
    // ssh2 1.17.0 drops a leading zero byte in about one of 230 keys that it makes, and cannot read such a key back.
    const pair = ssh2.utils.generateKeyPairSync("ed25519");
    if (!(ssh2.utils.parseKey(pair.private) instanceof Error) && !(ssh2.utils.parseKey(pair.public) instanceof Error)) {
      return pair;
    }
  }
}

/** What all connections of one server share. */
class Serving {
  readonly counts: SshServerCounts = {
    connections: 0,
    logins: 0,
    attempts: [],
    requests: [],
    opened: 0,
    refused: 0,
    commands: [],
    late: [],
  };
  openChannels = 0;
  readonly #options: SshServerOptions;
  readonly #waiting = new Waiting();

  constructor(options: SshServerOptions) {
    this.#options = options;
  }

  idle(): Promise<void> {
    return this.#waiting
      .until("the last channel to close", () => (this.openChannels === 0 ? true : undefined))
      .then(() => {});
  }

  serve(connection: Connection): void {
    this.counts.connections++;
    this.#options.connected?.(connection);
    // This server is for clients that leave in the middle.
    connection.on("error", () => {});
    connection.on("authentication", logins(this.#options, this.counts.attempts));
    connection.on("ready", () => {
      this.counts.logins++;
    });
    connection.on("tcpip", (accept, reject, request) => {
      this.counts.requests.push(request);
      this.#answer(connection, accept, reject, request);
    });
    watchLate(connection, this.counts.late);
    this.#serveCommands(connection);
    const { listen } = this.#options;
    if (listen !== undefined) listenFor(connection, { closesWithoutEof: listen === "close-without-eof" });
  }

  #answer(connection: Connection, accept: () => ServerChannel, reject: () => void, request: TcpipRequestInfo): void {
    const answer = this.#options.forward?.(request) ?? "dial";
    if (answer === "hang") return;
    if (answer === "drop") {
      serverView(connection)._sock.resetAndDestroy();
      return;
    }
    if (typeof answer === "object" && "refuse" in answer) {
      this.#refuse(connection, reject, answer.refuse, answer.text ?? "");
      return;
    }
    dial({ host: request.destIP, port: request.destPort }).then(
      (socket) => {
        this.counts.opened++;
        this.openChannels++;
        const channel = accept();
        channel.on("close", () => {
          this.openChannels--;
          this.#waiting.change();
        });
        carry(channel, socket, carriage(answer));
      },
      (error: Error) => this.#refuse(connection, reject, 2, error.message),
    );
  }

  #refuse(connection: Connection, reject: () => void, reason: number, text: string): void {
    this.counts.refused++;
    refuse(connection, reject, reason, text);
  }

  #serveCommands(connection: Connection): void {
    const exec = this.#options.exec;
    if (exec === undefined) return;
    connection.on("session", (accept) => {
      accept().on("exec", (acceptCommand, _reject, info) => {
        this.counts.commands.push(info.command);
        const answer = exec(info.command);
        const channel = acceptCommand();
        channel.stderr.write(answer.stderr ?? "");
        channel.write(answer.stdout ?? "");
        channel.exit(answer.code);
        channel.end();
      });
    });
  }
}

function carriage(answer: "dial" | "dial-and-close-without-eof" | { readonly cutAfterBytes: number }): CarryOptions {
  if (typeof answer === "object") return answer;
  return { closesWithoutEof: answer === "dial-and-close-without-eof" };
}

/** ssh2's `reject` always says "connect failed". The wanted reason is put into the message on its way out. */
function refuse(connection: Connection, reject: () => void, reason: number, text: string): void {
  const { _protocol: protocol } = serverView(connection);
  const original = protocol.channelOpenFail;
  protocol.channelOpenFail = (recipient) => original.call(protocol, recipient, reason, text);
  reject();
  protocol.channelOpenFail = original;
}

function identify(host: Loopback, port: number, hostKey: string) {
  const parsed = ssh2.utils.parseKey(hostKey);
  if (parsed instanceof Error) throw parsed;
  const publicHostKey = `${parsed.type} ${parsed.getPublicSSH().toString("base64")}`;
  const directory = tempDirectory("ssh-server");
  const knownHostsFile = join(directory, "known_hosts");
  writeFileSync(knownHostsFile, `[${host}]:${port} ${publicHostKey}\n`);
  const settings = [
    `UserKnownHostsFile=${knownHostsFile}`,
    "GlobalKnownHostsFile=/dev/null",
    "StrictHostKeyChecking=yes",
  ];
  const options = settings.flatMap((setting) => ["-o", setting]);
  return { directory, publicHostKey, knownHostsFile, sshArgs: ["-F", "none", "-p", String(port), ...options] };
}
