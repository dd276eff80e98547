/**
 * One authenticated SSH connection: transport, handshake with the host key checked, login, then channels.
 * It is over exactly once: `lost` tells why when it was not us. A session that failed to start leaves nothing behind.
 */
import type { Duplex } from "node:stream";
import type { Client, ClientChannel } from "ssh2";
import { type Address, formatAddress, isUnix } from "../codec/address.ts";
import { type LegNumber, PorthopError } from "../errors.ts";
import type { Cancel, Conn, LegFacts, Listener } from "../flow/conn.ts";
import type { TellProgress } from "../flow/event.ts";
import { LiveLeg } from "../flow/leg.ts";
import { OpenItems } from "../flow/open-items.ts";
import type { Telling } from "../flow/telling.ts";
import { errnoOf } from "../io/socket-failure.ts";
import { Answers } from "./answers.ts";
import { type ChannelCarrier, channelConn } from "./channel/channel-conn.ts";
import { nobody, requestChannel, streamOf } from "./channel/channel-request.ts";
import { CommandGate } from "./channel/command-gate.ts";
import { Locator } from "./channel/locator.ts";
import type { RemoteCommand } from "./channel/remote-command.ts";
import { type Accept, RemoteListeners } from "./channel/remote-listener.ts";
import { SessionChannel } from "./channel/session-channel.ts";
import { heedTraffic } from "./keep-alive.ts";
import { loadSsh2 } from "./loader.ts";
import { type LoginSettings, type LoginTask, logIn, type Negotiated, type Trust } from "./login.ts";
import { answerSmallReads, needsNagleCure } from "./nagle-cure.ts";
import { isAgentError, lost, type Peer } from "./ssh-failure.ts";
import { extensionFlaws } from "./ssh2/extension.ts";
import type { Ssh2 } from "./ssh2/loading.ts";
import type { Ports } from "./ssh2/ports.ts";
import { type DialSshd, dialDirectly } from "./sshd-dialer.ts";
import { congestionOf, type Outgoing, type Transport, watchTransport } from "./transport.ts";

export interface SessionSettings extends LoginSettings {
  readonly family?: 4 | 6 | undefined;
  /** As for the dialer. */
  readonly from?: string | undefined;
  readonly attempts?: number | undefined;
  /** TCPKeepAlive. */
  readonly tcpKeepAlive?: boolean | undefined;
  /** Commands that nobody asked for may run on this server; none when left out. */
  readonly mayAskServer?: boolean | undefined;
}

/** `address` is the IP address that the host's name turned out to be. */
export type AskTrust = (ssh2: Ssh2, address: string | undefined) => Promise<Trust>;

export interface SessionContext extends Telling {
  readonly trust: AskTrust;
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

/** What listens to the server from its first word on. */
interface Attached {
  readonly ports: Ports;
  readonly gate: CommandGate;
  readonly answers: Answers;
  readonly warn: (text: string) => void;
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
  readonly #ports: Ports;
  readonly #client: Client;
  readonly #transport: Transport;
  readonly #carrier: ChannelCarrier;
  readonly #remote: RemoteListeners;
  readonly #open = new OpenItems<Breakable>();
  #gone: PorthopError | undefined;
  #closing = false;
  #lastError: Error | undefined;

  private constructor(transport: Transport, peer: Peer, facts: SessionFacts, { ports, gate, answers, warn }: Attached) {
    const { client } = ports;
    this.#ports = ports;
    this.#client = client;
    this.#transport = transport;
    this.peer = peer;
    this.hop = transport.hop;
    this.facts = facts;
    this.leg = { from: facts.local, to: facts.remote, observed: transport.observed };
    this.locator = new Locator(gate);
    const session = this;
    this.#carrier = {
      get goneBy() {
        return session.#gone;
      },
      congestion: congestionOf(transport.stream),
    };
    this.#remote = new RemoteListeners(ports, {
      peer,
      gate,
      server: facts.remote ?? { host: peer.host, port: peer.port },
      get goneBy() {
        return session.#gone;
      },
      adopt: (channel, origin) => session.#adopt(channel, origin, 1),
      warn,
    });
    client.on("error", (error) => {
      // An agent that fails is not the session's end.
      if (!isAgentError(error)) this.#lastError = error;
    });
    this.lost = new Promise((resolve) => {
      client.on("close", () => {
        // The channels' own end and close events come after this one: they must find the reason here.
        this.#gone = transport.goneBy(true) ?? lost(this.#lastError, peer, answers.isStalled);
        // By itself a channel that is not read just now would hear of it only when all that it holds was read.
        for (const { conn } of this.#open.all()) conn.abort(this.#gone);
        if (!this.#closing) resolve(this.#gone);
      });
    });
  }

  /** `dial` makes the connection that the session is spoken over: TCP to the host itself when left out. */
  static async connect(
    settings: SessionSettings,
    context: SessionContext,
    signal: AbortSignal,
    dial: DialSshd = dialDirectly,
  ): Promise<Session> {
    const tell: TellProgress = (step) => context.bus.publish({ event: "progress", step });
    const [ssh2, transport] = await Promise.all([loadSsh2(), dial(settings, signal, tell)]);
    for (const flaw of extensionFlaws()) context.trace?.(flaw);
    const { stream, local, remote, observed } = transport;
    tell({ done: "connection", local, remote });
    const outgoing = watchLeg(transport, settings, context);
    try {
      const address = observed && remote !== undefined && !isUnix(remote) ? remote.host : undefined;
      const trust = await context.trust(ssh2, address);
      const task: LoginTask<Attached, Session> = {
        ...{ client: new ssh2.Client(), stream, settings, trust, telling: context },
        attach: (ports) => ({
          ports,
          gate: new CommandGate(ports, settings.mayAskServer === true),
          answers: new Answers(ports, stream, outgoing),
          warn: (text) => context.loggerFor().warn(text),
        }),
        begin(negotiated, attached) {
          heedTraffic(attached.ports, stream, settings.keepAliveIntervalMs);
          if (needsNagleCure(negotiated.serverSoftware)) answerSmallReads(attached.ports, stream, outgoing);
          return new Session(transport, settings, { local, remote, ...negotiated }, attached);
        },
      };
      return await logIn(task, signal);
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
    return requestChannel(this.#client, this, target, origin, signal, (channel) =>
      this.#adopt(channel, formatAddress(target), 3),
    );
  }

  /** Has the server listen, for the `forward` of that name. Rejects with `forward.refused` when it does not. */
  listen(address: Address, accept: Accept, forward?: string): Promise<Listener> {
    return this.#remote.listen(address, accept, forward);
  }

  /** A channel to `target` as a stream: the transport of a session inside this one. */
  async openStream(target: Address, signal: Cancel): Promise<Duplex> {
    if (this.#gone !== undefined) throw this.#gone;
    if (signal.aborted) throw signal.reason;
    const stream = await requestChannel(this.#client, this, target, nobody, signal, streamOf);
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

  /** A session channel for a command: opened now, as a server may allow only one, and started later. */
  openSessionChannel(signal: Cancel): Promise<SessionChannel> {
    const session = this;
    const carrier = {
      ports: this.#ports,
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

/** Leg 2: who wants to see its first byte hears of it before that. */
function watchLeg(transport: Transport, settings: SessionSettings, { bus, loggerFor }: Telling): Outgoing {
  const { stream, hop, local, remote, observed } = transport;
  const { host, port } = settings;
  const leg = new LiveLeg(2, (plugin, error) =>
    loggerFor(plugin).warn(`stopped watching the session: ${String(error)}`),
  );
  const outgoing = watchTransport(
    stream,
    leg,
    (error) => transport.goneBy(true) ?? lost(error as Error | undefined, settings),
  );
  bus.publish({
    event: "wire",
    viewFor: (plugin) => ({
      ...{ host, port, hop, from: local, to: remote, observed },
      watch: (watcher) => leg.watch(plugin, watcher),
    }),
  });
  leg.opened();
  return outgoing;
}

const goodbyeMs = 500;

/** The connection ended or failed, in whatever way that was heard of. */
function isBreak(error: unknown): boolean {
  return error instanceof PorthopError && (error.code === "ssh.lost" || errnoOf(error.cause) !== undefined);
}
