/**
 * A tunnel: the way to its session, its forwards and the chain. Starts them in the order that promise 8 wants (plugins,
 * session, listeners), reports what happens, and stops without losing what is under way.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { RemoteOpenRules } from "../codec/config/remote-open.ts";
import { type Forward, targetPorts } from "../config/forward.ts";
import type { PorthopError } from "../errors.ts";
import { Chain, type PreparedPlugin } from "../flow/chain.ts";
import type { Telling } from "../flow/telling.ts";
import type { RemoteCommand } from "../ssh/channel/remote-command.ts";
import type { RoutePlan } from "../ssh/route.ts";
import type { AskTrust, SessionSettings } from "../ssh/session.ts";
import { type CommandPlan, CommandRun } from "./command-run.ts";
import { Flows } from "./flows.ts";
import { Grace } from "./grace.ts";
import { Listeners } from "./listeners.ts";
import type { PairingOptions } from "./pairing.ts";
import { type Connected, Connecting } from "./uplink/connecting.ts";

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
  readonly here: Omit<PairingOptions, "telling" | "remoteOpen">;
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
  #chain: Chain | undefined;
  #connecting: Connecting | undefined;
  #listeners: Listeners | undefined;
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
    const { forwards, plugins, asksServer, exitOnForwardFailure } = this.#plan;
    const sessions = hopsOf(this.#plan, false).map((hop) => hop.settings.host);
    const chain = await Chain.setUp(plugins, this.#telling, { version: this.#version, sessions });
    this.#chain = chain;
    const hops = hopsOf(this.#plan, asksServer === true || isAsked(chain, forwards));
    const connected = hops.length === 0 ? undefined : await this.#connect(chain, hops, signal);
    this.#flows = new Flows(chain, this.#telling);
    this.#listeners = new Listeners(this.#flows, this.#connecting?.uplink, {
      ...this.#plan.here,
      remoteOpen: this.#plan.remoteOpen,
      exitOnForwardFailure,
      telling: this.#telling,
    });
    const up = await this.#listeners.open(forwards, signal);
    this.#telling.bus.publish({ event: "ready", forwards: up });
    const lost = connected === undefined ? new Promise<never>(() => {}) : this.#toldLoss(connected);
    return { lost, command: await this.#command?.start() };
  }

  /**
   * Changes options of a plugin while it runs, all of these or none; `limit.2` is the second limit of the chain. Throws a
   * PorthopError that says why it could not be done.
   */
  changeOptions(plugin: string, texts: ReadonlyMap<string, string>): void {
    if (this.#chain === undefined) throw new Error("options change while a tunnel runs");
    this.#chain.changeOptions(plugin, texts);
  }

  /**
   * Resolves once no connection is open, be it a flow's, the agent's or an X program's: as ssh does, new ones are taken until
   * then (clientloop.c: session_closed and channel_still_open).
   */
  async idle(): Promise<void> {
    do {
      await Promise.all([this.#flows?.idle(), this.#command?.idle()]);
      await this.#connecting?.uplink.standing?.delivered();
    } while (this.#flows?.open || this.#command?.open);
  }

  /** Stops accepting, lets open flows finish for up to `graceMs`, then breaks the rest and closes everything. */
  async stop(graceMs: number, hurry: AbortSignal): Promise<void> {
    this.#stopping = true;
    await this.#listeners?.close();
    const grace = new Grace(graceMs, hurry);
    await this.#flows?.drain(grace.over);
    const session = this.#connecting?.uplink.standing;
    await Promise.race([session?.delivered(), grace.over]);
    grace.release();
    const cut = session?.undelivered ?? 0;
    if (cut > 0) this.#telling.loggerFor().warn(cutOff(cut));
    await this.#connecting?.close();
    await this.#chain?.dispose();
  }

  #connect(chain: Chain, hops: RoutePlan["hops"], signal: AbortSignal): Promise<Connected> {
    const { command, forwards, way } = this.#plan;
    this.#connecting = new Connecting({ ...way, hops }, this.#telling);
    return this.#connecting.connect(signal, async (session) => {
      // Before any other: a server may allow one session channel and no more (MaxSessions 1).
      if (command !== undefined) {
        this.#command = await CommandRun.open(session, command, this.#telling.loggerFor(), signal);
      }
      if (wantsTargets(chain, forwards)) await session.locator.start(targetPorts(forwards));
    });
  }

  async #toldLoss({ lost }: Connected): Promise<PorthopError> {
    const reason = await lost;
    // Ctrl-C reaches a ProxyCommand too, sometimes before us: that the session ends with it then is no news.
    if (this.#plan.way?.command !== undefined) await sleep(ctrlCMs);
    if (!this.#stopping) this.#telling.bus.publish({ event: "error", error: reason });
    return reason;
  }
}

/** Said of connections that had ended here, in good order, and not yet behind the server. */
function cutOff(connections: number): string {
  const whose = connections === 1 ? "1 connection" : `${connections} connections`;
  return `the last bytes of ${whose} may be lost: the server had not passed them on when porthop stopped (--grace waits longer)`;
}

/** Between two processes of one terminal hearing its Ctrl-C. */
const ctrlCMs = 100;

/** A capture asks the server for what it shows and only the server knows. */
function isAsked(chain: Chain, forwards: readonly Forward[]): boolean {
  return wantsTargets(chain, forwards) || (chain.locates.has(1) && forwards.some(({ side }) => side === "server"));
}

function wantsTargets({ locates }: Chain, forwards: readonly Forward[]): boolean {
  return locates.has(3) && forwards.some(({ side }) => side === "here");
}

/** Only of the destination anything is asked. */
function hopsOf({ session, trust, way }: TunnelPlan, mayAskServer: boolean): RoutePlan["hops"] {
  if (session === undefined || trust === undefined) return [];
  return [...(way?.jumps ?? []), { settings: { ...session, mayAskServer }, trust }];
}
