/**
 * Listeners on the server's side of a session (RFC 4254, section 7.1; for unix sockets OpenSSH's PROTOCOL, section
 * 2.4). Each connection to a listener becomes an Inbound. Channels that nobody asked for are refused, and so are
 * channels beyond the limit.
 */
import { type Address, isUnix, type TcpAddress } from "../../codec/address.ts";
import type { Accept, Listener } from "../../flow/conn.ts";
import { listenRefused, nameOf, type Peer } from "../ssh-failure.ts";
import type { ChannelOpening } from "../ssh2/channel-opening.ts";
import type { Ports } from "../ssh2/ports.ts";
import type { CommandGate } from "./command-gate.ts";
import { bindHost, overriddenBind, RemoteBind } from "./remote-bind.ts";
import { type RemoteCarrier, remoteInbound } from "./remote-inbound.ts";
import { AskedAddresses, keyOf, tellUnasked } from "./unasked-channels.ts";

export interface RemoteContext extends RemoteCarrier {
  readonly peer: Peer;
  /** The server as our session reached it. */
  readonly server: Address;
  /** The gate to the server's shell. */
  readonly gate: Pick<CommandGate, "output">;
  /** Hears of channels that the server opens without having been asked. */
  readonly warn?: ((text: string) => void) | undefined;
}

interface Asked {
  readonly bind: string;
  /** True when sshd has said that it ignores the bind address. */
  overridden: boolean;
}

type ListenerPorts = Pick<Ports, "client" | "serverSoftware" | "onChannelOpen" | "onDebug" | "watchChannelOpens">;

export class RemoteListeners {
  readonly #client: Ports["client"];
  readonly #isOpenSsh: boolean;
  readonly #context: RemoteContext;
  readonly #listening = new Map<string, { readonly listen: Address; readonly accept: Accept }>();
  /** What sshd is being asked for, in this order. It answers in the same order (RFC 4254, section 4). */
  #asked: readonly Asked[] = [];
  readonly #everAsked = new AskedAddresses();
  /** How many channels the server has opened, whether answered or not. */
  #open = 0;

  constructor(ports: ListenerPorts, context: RemoteContext) {
    this.#client = ports.client;
    this.#isOpenSsh = ports.serverSoftware.startsWith("OpenSSH");
    this.#context = context;
    if (context.warn !== undefined) tellUnasked(ports, this.#everAsked, nameOf(context.peer), context.warn);
    ports.onChannelOpen("forwarded-tcpip", (opening) => {
      const { destIP = "", destPort = 0, srcIP = "", srcPort = 0 } = opening.data;
      this.#opened(keyOf({ host: destIP, port: destPort }), { host: srcIP, port: srcPort }, opening);
    });
    ports.onChannelOpen("forwarded-streamlocal@openssh.com", (opening) => {
      this.#opened(keyOf({ path: opening.data.socketPath ?? "" }), undefined, opening);
    });
    ports.onDebug((text) => {
      const bind = overriddenBind(text);
      const asked = this.#asked.find((each) => each.bind === bind);
      if (asked !== undefined) asked.overridden = true;
    });
  }

  /**
   * Asks the server to listen. Rejects with `forward.refused`, or with the reason why the session ended. `forward` is
   * the name of the forward for people.
   */
  listen(wanted: Address, accept: Accept, forward?: string): Promise<Listener> {
    return isUnix(wanted) ? this.#listenUnix(wanted.path, accept, forward) : this.#listenTcp(wanted, accept, forward);
  }

  async #listenUnix(path: string, accept: Accept, forward: string | undefined): Promise<Listener> {
    const listen = { path };
    await this.#ask<void>(listen, (answer) =>
      this.#client.openssh_forwardInStreamLocal(path, (error) => {
        answer(error ?? this.#begin(listen, accept, forward));
      }),
    );
    const cancel = (done: () => void) => this.#client.openssh_unforwardInStreamLocal(path, done);
    return this.#listener(listen, { addresses: [listen] }, cancel);
  }

  async #listenTcp(wanted: TcpAddress, accept: Accept, forward: string | undefined): Promise<Listener> {
    const bind = bindHost(wanted.host);
    const binding = await RemoteBind.before({ gate: this.#context.gate, isOpenSsh: this.#isOpenSsh }, wanted);
    const asked = { bind, overridden: false };
    this.#asked = [...this.#asked, asked];
    const answered = () => {
      this.#asked = this.#asked.filter((each) => each !== asked);
    };
    const listen = await this.#ask<TcpAddress>(wanted, (answer) =>
      this.#client.forwardIn(bind, wanted.port, (error, port) => {
        // Not later: what sshd says of the next one may follow at once.
        answered();
        const bound = { host: bind, port };
        answer(error ?? this.#begin(bound, accept, forward), bound);
      }),
    ).finally(answered);
    const cancel = (done: () => void) => this.#client.unforwardIn(bind, listen.port, done);
    return this.#listener(listen, await binding.after(listen.port, asked.overridden), cancel);
  }

  /**
   * Called at once when the server says yes, because a first connection may follow right behind. Returns an error when
   * the server's answer makes no sense.
   */
  #begin(listen: Address, accept: Accept, forward: string | undefined): Error | undefined {
    const isPort = isUnix(listen) || (listen.port > 0 && listen.port <= 65535);
    if (!isPort || this.#listening.has(keyOf(listen))) return new Error("the server's answer makes no sense");
    this.#listening.set(keyOf(listen), { listen, accept });
    this.#everAsked.add(listen, forward);
    return undefined;
  }

  #listener(listen: Address, shown: Omit<Listener, "close">, cancel: (done: () => void) => void): Listener {
    let closed: Promise<void> | undefined;
    return {
      ...shown,
      close: () => {
        // From now on connections are refused, even before the server hears that it has to stop listening.
        this.#listening.delete(keyOf(listen));
        closed ??= this.#cancel(cancel);
        return closed;
      },
    };
  }

  #ask<T>(wanted: Address, ask: (answer: (error: Error | undefined | null, value?: T) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const { peer } = this.#context;
      const answer = (error: Error | undefined | null, value?: T) => {
        // The session's own reason says more than ssh2's "No response from server".
        if (error) reject(this.#context.goneBy ?? listenRefused(error, wanted, peer));
        else resolve(value as T);
      };
      try {
        if (this.#context.goneBy !== undefined) throw this.#context.goneBy;
        ask(answer);
      } catch (error) {
        answer(error as Error);
      }
    });
  }

  /** Asks the server to stop listening. Waits a limited time, and not at all when the session is gone. */
  #cancel(cancel: (done: () => void) => void): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, cancelMs);
      const done = () => {
        clearTimeout(timer);
        resolve();
      };
      try {
        if (this.#context.goneBy === undefined) cancel(done);
        else done();
      } catch {
        done();
      }
    });
  }

  #opened(key: string, originator: TcpAddress | undefined, opening: ChannelOpening): void {
    const listening = this.#listening.get(key);
    if (listening === undefined) {
      opening.refuse({ reason: 1, text: "this forward was not asked for" });
      return;
    }
    if (this.#open >= mostChannels) {
      opening.refuse({ reason: 4, text: "too many connections" });
      return;
    }
    this.#open += 1;
    const over = () => {
      this.#open -= 1;
    };
    const { server } = this.#context;
    const open = { opening, originator, listen: listening.listen, server, over };
    listening.accept(remoteInbound(open, this.#context));
  }
}

/** How long to wait for the server to confirm that it listens no more. */
const cancelMs = 1000;

/** How many channels a server may have open or unanswered at one time. Each may cost us a socket and buffers. */
const mostChannels = 4096;
