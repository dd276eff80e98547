/**
 * One authenticated SSH connection: transport, handshake with a check of the host key, login, then channels. A session
 * ends exactly once, and `lost` says why when the end was not ours. A session that failed to start leaves nothing
 * behind.
 */
import type { Duplex } from "node:stream";
import type { Client, ClientChannel } from "ssh2";
import { type Address, formatAddress, isUnix } from "../codec/address.ts";
import type { PorthopError } from "../errors.ts";
import type { Accept, Cancel, Conn, LegFacts, Listener } from "../flow/conn.ts";
import type { TellProgress } from "../flow/event.ts";
import type { Telling } from "../flow/telling.ts";
import { unlessAborted } from "../io/after.ts";
import type { ChannelCarrier } from "./channel/channel-conn.ts";
import { nobody, requestChannel, streamOf } from "./channel/channel-request.ts";
import { CommandGate } from "./channel/command-gate.ts";
import { Locator } from "./channel/locator.ts";
import type { RemoteCommand } from "./channel/remote-command.ts";
import { RemoteListeners } from "./channel/remote-listener.ts";
import { SessionChannel } from "./channel/session-channel.ts";
import { betterReason } from "./handshake-failure.ts";
import type { KeepAlive } from "./keep-alive.ts";
import { loadSsh2 } from "./loader.ts";
import type { LoginNeeds } from "./login/auth-record.ts";
import { type LoginSettings, type LoginTask, logIn, type Negotiated, type Trust } from "./login.ts";
import { cutOff, OpenChannels } from "./open-channels.ts";
import { SendQueue } from "./send-queue.ts";
import { type Attached, type Begun, type CareSettings, tendSession } from "./session-care.ts";
import { sessionLeg, tellKeys } from "./session-watch.ts";
import { isAgentError, lost, type Peer } from "./ssh-failure.ts";
import { extensionFlaws } from "./ssh2/extension.ts";
import { isInboundFault } from "./ssh2/inbound-fault.ts";
import type { Ssh2 } from "./ssh2/loading.ts";
import type { Ports } from "./ssh2/ports.ts";
import { type DialSshd, dialDirectly } from "./sshd-dialer.ts";
import type { Traffic } from "./traffic.ts";
import { endOf, leave, type Transport } from "./transport.ts";
import { Answers } from "./unsent-answers.ts";

export interface SessionSettings extends LoginSettings, CareSettings {
  readonly family?: 4 | 6 | undefined;
  /** The dialer's settings, which sshd-dialer.ts explains. */
  readonly from?: string | undefined;
  readonly attempts: number;
  /** TCPKeepAlive. */
  readonly tcpKeepAlive?: boolean | undefined;
  /** Whether porthop may run commands on this server that the user did not ask for. Undefined means no. */
  readonly mayAskServer?: boolean | undefined;
}

/**
 * `address` is the IP address of the host, when porthop itself connected to the host. `over` fires when the connection
 * with it is over: nobody waits for the answer to a question any more.
 */
export type AskTrust = (ssh2: Ssh2, address: string | undefined, over: AbortSignal) => Promise<Trust>;

export interface SessionContext extends Telling {
  /** By which it is told apart; `S1` when left out. */
  readonly id?: string | undefined;
  /** Its place among the sessions that share the work; 1 when left out. */
  readonly strand?: number | undefined;
  readonly trust: AskTrust;
}

export interface SessionFacts extends Negotiated {
  /** The ends of the session's TCP connection, as far as they are known. */
  readonly local: Address | undefined;
  readonly remote: Address | undefined;
}

export class Session {
  readonly id: string;
  readonly facts: SessionFacts;
  readonly leg: LegFacts;
  readonly locator: Locator;
  /** Resolves with the reason when the session ends and `close` was not called. */
  readonly lost: Promise<PorthopError>;
  readonly peer: Peer;
  /** The number of the session on the way, from 1. It is 1 unless there are jump hosts. */
  readonly hop: number;
  /** Who must be there when this login is made again: `person` and `touch` may not be repeated unasked. */
  readonly needs: LoginNeeds;
  readonly #ports: Ports;
  readonly #client: Client;
  readonly #transport: Transport;
  readonly #carrier: ChannelCarrier;
  readonly #remote: RemoteListeners;
  readonly #open: OpenChannels;
  readonly #traffic: Traffic;
  readonly #alive: KeepAlive;
  #gone: PorthopError | undefined;
  #closing = false;
  #lastError: Error | undefined;

  private constructor(transport: Transport, peer: Peer, facts: SessionFacts, begun: Begun) {
    const { id, ports, gate, answers, warn, traffic, alive } = begun;
    const { client } = ports;
    this.id = id;
    this.#ports = ports;
    this.#client = client;
    this.#transport = transport;
    this.#traffic = traffic;
    this.#alive = alive;
    this.peer = peer;
    this.hop = transport.hop;
    this.needs = begun.needs;
    this.facts = facts;
    this.leg = { from: facts.local, to: facts.remote, observed: transport.observed, session: id };
    this.locator = new Locator(gate);
    const session = this;
    const queue = new SendQueue(transport.stream, begun.outgoing);
    this.#carrier = {
      get goneBy() {
        return session.#gone;
      },
      congestion: () => queue.congestion(),
    };
    this.#open = new OpenChannels(this.#carrier);
    this.#remote = new RemoteListeners(ports, {
      peer,
      gate,
      server: facts.remote ?? { host: peer.host, port: peer.port },
      get goneBy() {
        return session.#gone;
      },
      adopt: (channel, origin) => session.#open.adopt(channel, origin, 1),
      warn,
    });
    client.on("error", (error) => {
      // A failure of the agent does not end the session.
      if (isAgentError(error)) return;
      // The first error is the reason; ssh2 may trip over what follows.
      this.#lastError ??= error;
      leave(transport.stream);
    });
    this.lost = new Promise((resolve) => {
      client.on("close", () => {
        const cut = this.undelivered;
        if (cut > 0 && !this.#closing) warn(cutOff(cut, "the session was lost before the server had passed them on"));
        // The channels' end and close events come after this event, and have to find the reason here.
        const below = isInboundFault(this.#lastError) ? undefined : transport.goneBy("session");
        this.#gone = below ?? lost(this.#lastError, peer, answers.isStalled);
        this.#open.abort(this.#gone);
        if (!this.#closing) resolve(this.#gone);
      });
    });
  }

  /** `dial` makes the connection under the session. The default is TCP to the host. */
  static async connect(
    settings: SessionSettings,
    context: SessionContext,
    signal: AbortSignal,
    dial: DialSshd = dialDirectly,
  ): Promise<Session> {
    const tell: TellProgress = (step) => context.bus.publish({ event: "progress", step });
    const loading = loadSsh2();
    // It is waited for below; the dial may fail before.
    loading.catch(() => {});
    const transport = await dial(settings, signal, tell);
    const { stream, local, remote, observed } = transport;
    tell({ done: "connection", local, remote });
    const { id = "S1" } = context;
    // Not after the loading: nobody would hear of a connection that ends meanwhile.
    const outgoing = sessionLeg(transport, { ...settings, id }, context);
    const over = endOf(stream);
    try {
      const ssh2 = await loading;
      for (const flaw of extensionFlaws()) context.trace?.(flaw);
      const address = observed && remote !== undefined && !isUnix(remote) ? remote.host : undefined;
      const trust = await unlessAborted(context.trust(ssh2, address, over.signal), signal);
      const task: LoginTask<Attached, Session> = {
        ...{ client: new ssh2.Client(), stream, outgoing, settings, trust, telling: context },
        attach(ports) {
          tellKeys(ports, id, context);
          return {
            ...{ id, ports, stream, outgoing },
            gate: new CommandGate(ports, settings.mayAskServer === true),
            answers: new Answers(ports, stream, outgoing),
            warn: (text) => context.loggerFor().warn(text),
          };
        },
        begin(negotiated, attached) {
          const tended = tendSession(attached, settings, negotiated);
          const needs = trust.needs?.() ?? "nobody";
          return new Session(transport, settings, { local, remote, ...negotiated }, { ...attached, ...tended, needs });
        },
      };
      return await logIn(task, signal);
    } catch (error) {
      // A question that is open ends before anybody reads why.
      over.abort(error);
      // The cause may lie under the session: a jump host or a ProxyCommand.
      const reason = betterReason(transport, error) ?? error;
      stream.destroy();
      await transport.release();
      throw reason;
    }
  }

  /** Why the session is over; undefined before. */
  get goneBy(): PorthopError | undefined {
    return this.#gone;
  }

  /**
   * Asks the server for a sign of life at once. When nothing at all comes from it within this time, the session is lost:
   * it stopped answering. Does nothing when the session is over or ends.
   */
  probe(withinMs: number): void {
    if (!this.#closing) this.#alive.probe(withinMs);
  }

  /**
   * How much is going on: the bytes that wait to be sent, and those that passed in the last half second, both ways.
   * Small for a session that is idle or carries small requests; 0 when it is over.
   */
  get waiting(): number {
    return this.#gone === undefined ? this.#traffic.waitingBytes : 0;
  }

  /** Opens a channel to `target`, which the server dials. Rejects with an error that names the leg that failed. */
  async openChannel(target: Address, origin: Address, signal: Cancel): Promise<Conn> {
    if (this.#gone !== undefined) throw this.#gone;
    if (signal.aborted) throw signal.reason;
    return requestChannel(this.#ports, this, target, origin, signal, (channel) =>
      this.#open.adopt(channel, formatAddress(target), 3),
    );
  }

  /** Makes the server listen for the `forward` of that name. Rejects with `forward.refused` when it does not. */
  listen(address: Address, accept: Accept, forward?: string): Promise<Listener> {
    return this.#remote.listen(address, accept, forward);
  }

  /** A channel to `target` as a stream, for a session inside this session. */
  async openStream(target: Address, signal: Cancel): Promise<Duplex> {
    if (this.#gone !== undefined) throw this.#gone;
    if (signal.aborted) throw signal.reason;
    return requestChannel(this.#ports, this, target, nobody, signal, (channel) =>
      this.#open.holdStream(streamOf(channel)),
    );
  }

  /**
   * Resolves once the server has closed each channel that both sides have ended. Until then the server may hold bytes
   * for a peer that reads late. At a goodbye sshd exits at once and drops these bytes (OpenSSH: packet.c,
   * SSH2_MSG_DISCONNECT).
   */
  async delivered(): Promise<void> {
    await Promise.race([this.#open.delivered(), this.lost]);
  }

  /** How many channels `delivered` would wait for now. */
  get undelivered(): number {
    return this.#gone === undefined ? this.#open.undelivered : 0;
  }

  /** Says goodbye (SSH_MSG_DISCONNECT) and waits a limited time until the transport has ended. */
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
      // sshd closes the connection after the goodbye. For other servers the wait is limited.
      setTimeout(resolve, goodbyeMs).unref();
    });
    this.#client.end();
    await closed;
  }

  /** A session channel for a command that starts later. It is opened now, because a server may allow only one. */
  openSessionChannel(signal: Cancel): Promise<SessionChannel> {
    const session = this;
    const carrier = {
      ports: this.#ports,
      peer: this.peer,
      get goneBy() {
        return session.#gone;
      },
      congestion: this.#carrier.congestion,
      adopt: (channel: ClientChannel, where: string) => this.#open.adopt(channel, where, 1),
      hold: (command: RemoteCommand) => this.#open.hold(command),
    };
    return SessionChannel.open(carrier, signal);
  }
}

const goodbyeMs = 500;
