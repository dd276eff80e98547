/**
 * One authenticated SSH connection: TCP, handshake with the host key checked, login, then channels.
 * It is over exactly once: `lost` tells why when it was not us. A session that failed to start leaves nothing behind.
 */
import type { Socket } from "node:net";
import type { Client, ClientChannel } from "ssh2";
import { type Address, formatAddress, isUnix } from "../codec/address.ts";
import type { PorthopError } from "../errors.ts";
import type { Conn, LegFacts } from "../flow/conn.ts";
import { type DropObserver, LiveLeg } from "../flow/leg.ts";
import { connectTcp } from "../io/dial.ts";
import { socketEnds } from "../io/socket-conn.ts";
import type { Wire } from "../plugin.ts";
import { channelConn } from "./channel-conn.ts";
import { channelRefused, lost, type Peer, unreachable } from "./failure.ts";
import { loadSsh2, type Ssh2 } from "./loader.ts";
import { Locator } from "./locator.ts";
import { type LoginHooks, type LoginSettings, logIn, type Negotiated, type Trust } from "./login.ts";
import { needsNagleCure, runQuietly } from "./server-shell.ts";
import { congestionOf, watchTransport } from "./transport.ts";

export interface SessionSettings extends LoginSettings {
  readonly family?: 4 | 6 | undefined;
  /** Runs one session channel so that an older sshd drops Nagle's algorithm. */
  readonly nagleCure: boolean;
}

export interface SessionHooks extends LoginHooks {
  /** `address` is the IP address that the host's name turned out to be. */
  trust(ssh2: Ssh2, address: string | undefined): Promise<Trust>;
  /** Called once TCP stands, before the first byte. */
  wire(viewFor: (plugin: string) => Wire): void;
  readonly dropped: DropObserver;
}

export interface SessionFacts extends Negotiated {
  readonly local: Address;
  readonly remote: Address;
}

export class Session {
  readonly facts: SessionFacts;
  readonly leg: LegFacts;
  readonly locator: Locator;
  /** Settles with the reason when the session is over without `close` having been called. */
  readonly lost: Promise<PorthopError>;
  readonly #client: Client;
  readonly #socket: Socket;
  readonly #peer: Peer;
  readonly #congestion: () => Promise<void> | undefined;
  readonly #conns = new Set<Conn>();
  #gone: PorthopError | undefined;
  #closing = false;
  #lastError: Error | undefined;

  private constructor(client: Client, socket: Socket, peer: Peer, facts: SessionFacts) {
    this.#client = client;
    this.#socket = socket;
    this.#peer = peer;
    this.facts = facts;
    this.leg = { from: facts.local, to: facts.remote, observed: true };
    this.locator = new Locator(client);
    this.#congestion = congestionOf(socket);
    client.on("error", (error) => {
      // An agent that fails is not the session's end.
      if ((error as { level?: string }).level !== "agent") this.#lastError = error;
    });
    this.lost = new Promise((resolve) => {
      client.on("close", () => {
        // The channels' own end and close events come after this one: they must find the reason here.
        this.#gone = lost(this.#lastError, peer);
        // By itself a channel that is not read just now would hear of it only when all that it holds was read.
        for (const conn of this.#conns) conn.abort(this.#gone);
        if (!this.#closing) resolve(this.#gone);
      });
    });
  }

  static async connect(settings: SessionSettings, hooks: SessionHooks, signal: AbortSignal): Promise<Session> {
    const [ssh2, socket] = await Promise.all([loadSsh2(), dialSshd(settings, signal)]);
    const ends = socketEnds(socket);
    if (ends === undefined) throw unreachable(new Error("the connection was closed at once"), settings);
    socket.setNoDelay(true);
    const leg = new LiveLeg(2, hooks.dropped);
    watchTransport(socket, leg, (error) => lost(error as Error | undefined, settings));
    hooks.wire((plugin) => ({
      host: settings.host,
      from: ends.local,
      to: ends.remote,
      watch: (watcher) => leg.watch(plugin, watcher),
    }));
    leg.opened();
    const client = new ssh2.Client();
    try {
      const trust = await hooks.trust(ssh2, isUnix(ends.remote) ? undefined : ends.remote.host);
      const begin = (negotiated: Negotiated) =>
        new Session(client, socket, settings, { local: ends.local, remote: ends.remote, ...negotiated });
      const session = await logIn(client, socket, settings, trust, hooks, signal, begin);
      // Not waited for: the first bytes of the first flow may be late, but the forward is there.
      if (settings.nagleCure && needsNagleCure(session.facts.serverSoftware)) void runQuietly(client, "true");
      return session;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  /** Opens a channel to `target`, dialed by the server. Rejects with the leg that said no. */
  async openChannel(target: Address, origin: Address, signal: AbortSignal): Promise<Conn> {
    if (this.#gone !== undefined) throw this.#gone;
    signal.throwIfAborted();
    const session = this;
    const carrier = {
      get goneBy() {
        return session.#gone;
      },
      congestion: this.#congestion,
    };
    return this.#requestChannel(target, origin, signal, (channel) => {
      const conn = channelConn(channel, carrier, formatAddress(target));
      this.#conns.add(conn);
      channel.on("close", () => this.#conns.delete(conn));
      return conn;
    });
  }

  /** Says goodbye (SSH_MSG_DISCONNECT) and waits for the TCP connection to end. */
  async close(): Promise<void> {
    if (this.#closing || this.#gone !== undefined) return;
    this.#closing = true;
    await this.locator.idle();
    const closed = new Promise<void>((resolve) => {
      this.#client.once("close", () => resolve());
      // sshd answers the goodbye by closing; a server that does not is not waited for.
      setTimeout(resolve, goodbyeMs).unref();
    });
    this.#client.end();
    await closed;
    this.#socket.destroy();
  }

  /** `connOf` is called before anything else that came with the answer is read: a target may say all it has at once. */
  #requestChannel(
    target: Address,
    origin: Address,
    signal: AbortSignal,
    connOf: (channel: ClientChannel) => Conn,
  ): Promise<Conn> {
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      const answer = (error: Error | undefined, channel: ClientChannel) => {
        signal.removeEventListener("abort", onAbort);
        if (error !== undefined) return reject(this.#gone ?? channelRefused(error, target, this.#peer));
        // Nobody waits any more: SSH cannot take an open request back, only close what it gave.
        if (signal.aborted) return channel.close();
        resolve(connOf(channel));
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
}

const goodbyeMs = 500;

async function dialSshd(settings: SessionSettings, signal: AbortSignal): Promise<Socket> {
  try {
    return await connectTcp(settings, { family: settings.family, timeoutMs: settings.connectTimeoutMs, signal });
  } catch (error) {
    throw unreachable(error, settings);
  }
}
