/**
 * One authenticated SSH connection: transport, handshake with the host key checked, login, then channels.
 * It is over exactly once: `lost` tells why when it was not us. A session that failed to start leaves nothing behind.
 */
import type { Duplex } from "node:stream";
import type { Client, ClientChannel } from "ssh2";
import { type Address, formatAddress, isUnix } from "../codec/address.ts";
import { type LegNumber, PorthopError } from "../errors.ts";
import type { Cancel, Conn, LegFacts, Listener } from "../flow/conn.ts";
import { type DropObserver, LiveLeg } from "../flow/leg.ts";
import { OpenItems } from "../flow/open-items.ts";
import { errnoOf } from "../io/failure.ts";
import { JoinedStream } from "../io/joined-stream.ts";
import type { Wire } from "../plugin.ts";
import { extensionFlaws } from "./algorithm/extension.ts";
import { Answers } from "./answers.ts";
import { type ChannelCarrier, channelConn } from "./channel/channel-conn.ts";
import { Locator } from "./channel/locator.ts";
import type { RemoteCommand } from "./channel/remote-command.ts";
import { type Accept, RemoteListeners } from "./channel/remote-listener.ts";
import { needsNagleCure, runQuietly } from "./channel/server-shell.ts";
import { SessionChannel } from "./channel/session-channel.ts";
import { channelRefused, lost, type Peer } from "./failure.ts";
import { loadSsh2, type Ssh2 } from "./loader.ts";
import { type LoginHooks, type LoginSettings, logIn, type Negotiated, type Trust } from "./login.ts";
import type { TellProgress } from "./progress.ts";
import { type DialSshd, dialDirectly } from "./sshd-dialer.ts";
import { congestionOf, type Transport, watchTransport } from "./transport.ts";

export interface SessionSettings extends LoginSettings {
  readonly family?: 4 | 6 | undefined;
  /** As for the dialer. */
  readonly from?: string | undefined;
  readonly attempts?: number | undefined;
  /** TCPKeepAlive. */
  readonly tcpKeepAlive?: boolean | undefined;
  /** Runs one session channel so that an older sshd drops Nagle's algorithm. */
  readonly nagleCure: boolean;
}

export interface SessionHooks extends LoginHooks {
  /** `address` is the IP address that the host's name turned out to be. */
  trust(ssh2: Ssh2, address: string | undefined): Promise<Trust>;
  /** Called once the transport stands, before the first byte. */
  wire(viewFor: (plugin: string) => Wire): void;
  readonly dropped: DropObserver;
  /** Told each step that is done. */
  readonly progress?: TellProgress | undefined;
}

export interface SessionFacts extends Negotiated {
  /** The ends of its TCP connection, as far as they are known. */
  readonly local: Address | undefined;
  readonly remote: Address | undefined;
}

/** What breaks when the session is lost. */
interface Breakable {
  readonly conn: Pick<Conn, "abort">;
  /** Where it is a connection and no command. */
  readonly channel?: ClientChannel;
}

export class Session {
  readonly facts: SessionFacts;
  readonly leg: LegFacts;
  readonly locator: Locator;
  /** Settles with the reason when the session is over without `close` having been called. */
  readonly lost: Promise<PorthopError>;
  readonly peer: Peer;
  /** 1 unless there are jump hosts: then the first of them is 1. */
  readonly hop: number;
  readonly #client: Client;
  readonly #transport: Transport;
  readonly #carrier: ChannelCarrier;
  readonly #remote: RemoteListeners;
  readonly #open = new OpenItems<Breakable>();
  #gone: PorthopError | undefined;
  #closing = false;
  #lastError: Error | undefined;

  private constructor(client: Client, transport: Transport, peer: Peer, facts: SessionFacts, answers: Answers) {
    this.#client = client;
    this.#transport = transport;
    this.peer = peer;
    this.hop = transport.hop;
    this.facts = facts;
    this.leg = { from: facts.local, to: facts.remote, observed: transport.observed };
    this.locator = new Locator(client);
    const session = this;
    this.#carrier = {
      get goneBy() {
        return session.#gone;
      },
      congestion: congestionOf(transport.stream),
    };
    this.#remote = new RemoteListeners(client, {
      peer,
      server: facts.remote ?? { host: peer.host, port: peer.port },
      get goneBy() {
        return session.#gone;
      },
      adopt: (channel, origin) => session.#adopt(channel, origin, 1),
    });
    client.on("error", (error) => {
      // An agent that fails is not the session's end.
      if ((error as { level?: string }).level !== "agent") this.#lastError = error;
    });
    this.lost = new Promise((resolve) => {
      client.on("close", () => {
        // The channels' own end and close events come after this one: they must find the reason here.
        const fault = answers.isStalled ? new Error("it asks and does not read the answers") : this.#lastError;
        this.#gone = transport.goneBy(true) ?? lost(fault, peer);
        // By itself a channel that is not read just now would hear of it only when all that it holds was read.
        for (const { conn } of this.#open.all()) conn.abort(this.#gone);
        if (!this.#closing) resolve(this.#gone);
      });
    });
  }

  /** `dial` makes the connection that the session is spoken over: TCP to the host itself when left out. */
  static async connect(
    settings: SessionSettings,
    hooks: SessionHooks,
    signal: AbortSignal,
    dial: DialSshd = dialDirectly,
  ): Promise<Session> {
    const [ssh2, transport] = await Promise.all([loadSsh2(), dial(settings, signal, hooks.progress)]);
    for (const flaw of extensionFlaws()) hooks.debug(flaw);
    const { stream, hop, local, remote, observed } = transport;
    hooks.progress?.({ done: "connection", local, remote });
    const leg = new LiveLeg(2, hooks.dropped);
    const outgoing = watchTransport(stream, leg, (error) => transport.goneBy(true) ?? lost(error as Error | undefined, settings));
    const { host, port } = settings;
    hooks.wire((plugin) => ({
      ...{ host, port, hop, from: local, to: remote, observed },
      watch: (watcher) => leg.watch(plugin, watcher),
    }));
    leg.opened();
    const client = new ssh2.Client();
    try {
      const address = observed && remote !== undefined && !isUnix(remote) ? remote.host : undefined;
      const trust = await hooks.trust(ssh2, address);
      const attach = () => new Answers(client, stream, outgoing);
      const begin = (negotiated: Negotiated, answers: Answers) =>
        new Session(client, transport, settings, { local, remote, ...negotiated }, answers);
      const session = await logIn(client, stream, settings, trust, hooks, signal, attach, begin);
      // Not waited for: the first bytes of the first flow may be late, but the forward is there.
      if (settings.nagleCure && needsNagleCure(session.facts.serverSoftware)) void runQuietly(client, "true");
      return session;
    } catch (error) {
      // What was under the session may have broken it.
      const reason = isBreak(error) ? (transport.goneBy(false) ?? error) : error;
      stream.destroy();
      await transport.release();
      throw reason;
    }
  }

  /** Why it is over, once it is. */
  get goneBy(): PorthopError | undefined {
    return this.#gone;
  }

  /** Opens a channel to `target`, dialed by the server. Rejects with the leg that said no. */
  async openChannel(target: Address, origin: Address, signal: Cancel): Promise<Conn> {
    if (this.#gone !== undefined) throw this.#gone;
    if (signal.aborted) throw signal.reason;
    return this.#requestChannel(target, origin, signal, (channel) => this.#adopt(channel, formatAddress(target), 3));
  }

  /** Has the server listen. Rejects with `forward.refused` when it does not. */
  listen(address: Address, accept: Accept): Promise<Listener> {
    return this.#remote.listen(address, accept);
  }

  /** A channel to `target` as a stream: the transport of a session inside this one. */
  async openStream(target: Address, signal: Cancel): Promise<Duplex> {
    if (this.#gone !== undefined) throw this.#gone;
    if (signal.aborted) throw signal.reason;
    const stream = await this.#requestChannel(target, nobody, signal, streamOf);
    // As with conns: a channel that is not read just now would not hear of it.
    void this.lost.then(() => stream.destroy());
    return stream;
  }

  /**
   * Resolves once the server has closed each channel that both sides have ended. Until then it may hold bytes for a peer
   * that reads late, and at a goodbye sshd exits at once, without them (OpenSSH: packet.c, SSH2_MSG_DISCONNECT).
   */
  async delivered(): Promise<void> {
    const closed = this.#undelivered().map(({ channel }) => new Promise((resolve) => channel?.once("close", resolve)));
    await Promise.race([Promise.all(closed), this.lost]);
  }

  /** How many channels that would have to wait for, just now. */
  get undelivered(): number {
    return this.#gone === undefined ? this.#undelivered().length : 0;
  }

  #undelivered(): Breakable[] {
    return this.#open.all().filter(({ channel }) => channel?.readableEnded && channel.writableFinished);
  }

  /** Says goodbye (SSH_MSG_DISCONNECT) and waits, not for long, until its transport has ended. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    if (this.#gone === undefined) await this.#sayGoodbye();
    this.#transport.stream.destroy();
    await this.#transport.release();
  }

  async #sayGoodbye(): Promise<void> {
    await this.locator.idle();
    const closed = new Promise<void>((resolve) => {
      this.#client.once("close", () => resolve());
      // sshd answers the goodbye by closing; a server that does not is not waited for.
      setTimeout(resolve, goodbyeMs).unref();
    });
    this.#client.end();
    await closed;
  }

  /** `made` is called before anything else that came with the answer is read: a target may say all it has at once. */
  #requestChannel<T>(
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
        if (error !== undefined) return reject(this.#gone ?? channelRefused(error, target, this.peer));
        // Nobody waits any more: SSH cannot take an open request back, only close what it gave.
        if (signal.aborted) return channel.close();
        resolve(made(channel));
      };
      // The protocol wants an address and port for the originator (RFC 4254, section 7.2); a unix socket has none.
      const from = isUnix(origin) ? { host: "127.0.0.1", port: 0 } : origin;
      try {
        if (isUnix(target)) this.#client.openssh_forwardOutStreamLocal(target.path, answer);
        else this.#client.forwardOut(from.host, from.port, target.host, target.port, answer);
      } catch (error) {
        answer(error as Error, undefined as never);
      }
    });
  }

  /** A session channel for a command: opened now, as a server may allow only one, and started later. */
  openSessionChannel(signal: Cancel): Promise<SessionChannel> {
    const session = this;
    const carrier = {
      client: this.#client,
      peer: this.peer,
      get goneBy() {
        return session.#gone;
      },
      congestion: this.#carrier.congestion,
      adopt: (channel: ClientChannel, where: string) => this.#adopt(channel, where, 1),
      hold: (command: RemoteCommand) => {
        void command.ended.then(this.#open.add({ conn: command }));
      },
    };
    return SessionChannel.open(carrier, signal);
  }

  /** A channel of this session as a conn, which breaks when the session is lost. */
  #adopt(channel: ClientChannel, where: string, leg: LegNumber): Conn {
    const conn = channelConn(channel, this.#carrier, where, leg);
    channel.on("close", this.#open.add({ conn, channel }));
    return conn;
  }
}

const goodbyeMs = 500;

/** The originator that sshd is told for a connection of our own (RFC 4254, section 7.2), as `ssh -W` tells it. */
const nobody = { host: "127.0.0.1", port: 65535 };

function streamOf(channel: ClientChannel): Duplex {
  channel.stderr.resume();
  return new JoinedStream(channel, channel, {
    release() {
      channel.close();
      // The channel must see its end to be forgotten.
      channel.resume();
    },
  });
}

/** The connection ended or failed, in whatever way that was heard of. */
function isBreak(error: unknown): boolean {
  return error instanceof PorthopError && (error.code === "ssh.lost" || errnoOf(error.cause) !== undefined);
}
