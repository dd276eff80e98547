/**
 * A tunnel: a session, its forwards and the chain. Starts them in the order that promise 8 wants (plugins, session,
 * listeners), reports what happens, and stops without losing what is under way.
 */

import type { RemoteOpenRules } from "../codec/config/remote-open.ts";
import { type Forward, targetPorts } from "../config/forward.ts";
import { PorthopError } from "../errors.ts";
import { Chain, type PreparedPlugin } from "../flow/chain.ts";
import type { Listener } from "../flow/conn.ts";
import type { Telling } from "../flow/telling.ts";
import type { RemoteCommand } from "../ssh/channel/remote-command.ts";
import { Route, type RoutePlan } from "../ssh/route.ts";
import type { AskTrust, Session, SessionSettings } from "../ssh/session.ts";
import { type CommandPlan, CommandRun } from "./command-run.ts";
import { Flows } from "./flows.ts";
import { Grace } from "./grace.ts";
import { type PairingOptions, pair } from "./pairing.ts";

export interface TunnelPlan {
  /** Without one both sides are here: a relay. */
  readonly session?: SessionSettings | undefined;
  readonly trust?: AskTrust | undefined;
  /** What is passed on the way to that session; nothing when left out. */
  readonly way?: Way | undefined;
  readonly forwards: readonly Forward[];
  readonly plugins: readonly PreparedPlugin[];
  /** A listener that cannot be set up ends the tunnel (ExitOnForwardFailure; porthop's default is yes). */
  readonly exitOnForwardFailure: boolean;
  /** PermitRemoteOpen; undefined is anything. */
  readonly remoteOpen?: RemoteOpenRules | undefined;
  /** What runs on the server beside the forwards; nothing when left out. */
  readonly command?: CommandPlan | undefined;
  /** Small commands may run on the server that nobody asked for (--ask-server). */
  readonly asksServer?: boolean | undefined;
  /** How it listens and dials on this machine. */
  readonly here?: Omit<PairingOptions, "warn" | "remoteOpen"> | undefined;
}

export interface Started {
  /** Why the session was lost, should it be. */
  readonly lost: Promise<PorthopError>;
  /** Running. */
  readonly command: RemoteCommand | undefined;
}

/** How sshd is reached when it is not dialed directly. */
export interface Way extends Omit<RoutePlan, "hops"> {
  readonly jumps: RoutePlan["hops"];
}

export class Tunnel {
  readonly #plan: TunnelPlan;
  readonly #telling: Telling;
  readonly #version: string;
  readonly #listeners: Listener[] = [];
  #chain: Chain | undefined;
  #route: Route | undefined;
  #session: Session | undefined;
  #stopping = false;
  #flows: Flows | undefined;
  #command: CommandRun | undefined;

  /** `version` is porthop's own, for the plugins. */
  constructor(plan: TunnelPlan, telling: Telling, version: string) {
    this.#plan = plan;
    this.#telling = telling;
    this.#version = version;
  }

  /** Resolves when all listeners are up, and the command runs. */
  async start(signal: AbortSignal): Promise<Started> {
    const sessions = hopsOf(this.#plan, false).map((hop) => hop.settings.host);
    const chain = await Chain.setUp(this.#plan.plugins, this.#telling, { version: this.#version, sessions });
    this.#chain = chain;
    const hops = hopsOf(this.#plan, this.#plan.asksServer === true || isAsked(chain, this.#plan.forwards));
    const session = hops.length === 0 ? undefined : await this.#connect(chain, hops, signal);
    this.#flows = new Flows(chain, this.#telling);
    const up: string[] = [];
    for (const forward of this.#plan.forwards) {
      if (await this.#listen(forward, session, this.#flows)) up.push(forward.id);
    }
    this.#telling.bus.publish({ event: "ready", forwards: up });
    if (session === undefined) return { lost: new Promise(() => {}), command: undefined };
    const lost = session.lost.then(async (reason) => {
      // Ctrl-C reaches a ProxyCommand too, sometimes before us: that the session ends with it then is no news.
      if (this.#plan.way?.command !== undefined) await after(ctrlCMs);
      if (!this.#stopping) this.#telling.bus.publish({ event: "error", error: reason });
      return reason;
    });
    return { lost, command: await this.#command?.start() };
  }

  /**
   * Resolves once no connection is open, be it a flow's, the agent's or an X program's: as ssh does, new ones are taken until
   * then (clientloop.c: session_closed and channel_still_open).
   */
  async idle(): Promise<void> {
    do {
      await Promise.all([this.#flows?.idle(), this.#command?.idle()]);
      await this.#session?.delivered();
    } while (this.#flows?.open || this.#command?.open);
  }

  async #connect(chain: Chain, hops: RoutePlan["hops"], signal: AbortSignal): Promise<Session> {
    this.#route = new Route({ ...this.#plan.way, hops }, this.#telling);
    const session = await this.#route.connect(signal);
    this.#session = session;
    const { command } = this.#plan;
    // Before any other: a server may allow one session channel and no more (MaxSessions 1).
    if (command !== undefined) this.#command = await CommandRun.open(session, command, this.#warn, signal);
    if (wantsTargets(chain, this.#plan.forwards)) await session.locator.start(targetPorts(this.#plan.forwards));
    return session;
  }

  /** Stops accepting, lets open flows finish for up to `graceMs`, then breaks the rest and closes everything. */
  async stop(graceMs: number, hurry: AbortSignal): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#listeners.splice(0).map((listener) => listener.close()));
    const grace = new Grace(graceMs, hurry);
    await this.#flows?.drain(grace.over);
    await Promise.race([this.#session?.delivered(), grace.over]);
    grace.release();
    const cut = this.#session?.undelivered ?? 0;
    if (cut > 0) this.#warn(cutOff(cut));
    await this.#route?.close();
    await this.#chain?.dispose();
  }

  readonly #warn = (text: string) => this.#telling.loggerFor().warn(text);

  /** False when it could not be set up and the tunnel goes on without it. */
  async #listen(forward: Forward, session: Session | undefined, flows: Flows): Promise<boolean> {
    try {
      const pairing = pair(forward, session, {
        family: this.#plan.session?.family,
        ...this.#plan.here,
        remoteOpen: this.#plan.remoteOpen,
        warn: this.#warn,
      });
      const listener = await pairing.listen((inbound) => flows.accept(forward, pairing, inbound));
      this.#listeners.push(listener);
      // Without an address, as stdin and stdout, there is no place that anybody could go to.
      if (forward.listen === undefined) return true;
      this.#telling.bus.publish({
        event: "listening",
        forward: forward.id,
        kind: forward.kind,
        listen: listener.addresses[0],
        addresses: listener.addresses,
        connect: forward.connect,
        side: pairing.side,
      });
      for (const remark of listener.remarks ?? []) this.#warn(`${forward.id}: ${remark}`);
      return true;
    } catch (error) {
      if (this.#plan.exitOnForwardFailure || !(error instanceof PorthopError)) throw error;
      this.#telling.bus.publish({ event: "error", error });
      return false;
    }
  }
}

/** Said of connections that had ended here, in good order, and not yet behind the server. */
function cutOff(connections: number): string {
  const whose = connections === 1 ? "1 connection" : `${connections} connections`;
  return `the last bytes of ${whose} may be lost: the server had not passed them on when porthop stopped (--grace waits longer)`;
}

/** Between two processes of one terminal hearing its Ctrl-C. */
const ctrlCMs = 100;

function after(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** A capture asks the server for what it shows and only the server knows. */
function isAsked(chain: Chain, forwards: readonly Forward[]): boolean {
  return wantsTargets(chain, forwards) || (chain.locates.has(1) && forwards.some(listensThere));
}

function wantsTargets({ locates }: Chain, forwards: readonly Forward[]): boolean {
  return locates.has(3) && forwards.some((forward) => !listensThere(forward));
}

function listensThere({ kind }: Forward): boolean {
  return kind === "remote" || kind === "reverse-dynamic";
}

/** Only of the destination anything is asked. */
function hopsOf({ session, trust, way }: TunnelPlan, mayAskServer: boolean): RoutePlan["hops"] {
  if (session === undefined || trust === undefined) return [];
  return [...(way?.jumps ?? []), { settings: { ...session, mayAskServer }, trust }];
}
