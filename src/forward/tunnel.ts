/**
 * A tunnel: the way to its session, its forwards and the chain. Starts them in the order of promise 8 (plugins,
 * session, listeners), reports what happens, and stops without loss of data that is under way.
 */
import type { RemoteOpenRules } from "../codec/config/remote-open.ts";
import { type Forward, targetPorts } from "../config/forward.ts";
import type { LinkSettings } from "../config/link-settings.ts";
import type { PorthopError } from "../errors.ts";
import { Chain, type PreparedPlugin } from "../flow/chain.ts";
import type { Telling } from "../flow/telling.ts";
import type { RemoteCommand } from "../ssh/channel/remote-command.ts";
import { cutOff } from "../ssh/open-channels.ts";
import type { RoutePlan } from "../ssh/route.ts";
import type { AskTrust, Session, SessionSettings } from "../ssh/session.ts";
import { type CommandPlan, CommandRun } from "./command-run.ts";
import { Flows } from "./flows.ts";
import { Grace } from "./grace.ts";
import { Listeners } from "./listeners.ts";
import type { PairingOptions } from "./pairing.ts";
import { TargetCheck } from "./target-check.ts";
import { type Connected, Connecting } from "./uplink/connecting.ts";

export interface TunnelPlan {
  /** The settings of the session. Without a session both sides are this machine (a relay). */
  readonly session?: SessionSettings | undefined;
  readonly trust?: AskTrust | undefined;
  /** How the session's sshd is reached. Left out when sshd is dialed directly. */
  readonly way?: Way | undefined;
  /** Where the tunnel goes when the destination cannot be reached, in this order. */
  readonly fallbacks?: readonly Goal[] | undefined;
  /** One session that is not made again when left out. */
  readonly link?: LinkOptions | undefined;
  /** False when nobody can be asked for a password later on, as behind -f. */
  readonly canAskLater?: boolean | undefined;
  readonly forwards: readonly Forward[];
  readonly plugins: readonly PreparedPlugin[];
  /** True when a listener that cannot be set up ends the tunnel (ExitOnForwardFailure; porthop's default is yes). */
  readonly exitOnForwardFailure: boolean;
  /** PermitRemoteOpen. Undefined permits every target. */
  readonly remoteOpen?: RemoteOpenRules | undefined;
  /** The command that runs on the server beside the forwards. Left out when there is none. */
  readonly command?: CommandPlan | undefined;
  /** True when porthop may run small commands on the server that the user did not ask for (--ask-server). */
  readonly asksServer?: boolean | undefined;
  /** How the tunnel listens and dials on this machine. */
  readonly here: Omit<PairingOptions, "telling" | "remoteOpen">;
}

/** How the tunnel keeps its link to the server. */
export type LinkOptions = Omit<LinkSettings, "fallbacks">;

/** A server that the session may go to, with a host key, a login and a way of its own. */
export interface Goal {
  readonly session: SessionSettings;
  readonly trust: AskTrust;
  /** Left out when sshd is dialed directly. */
  readonly way?: Way | undefined;
}

export interface Started {
  /** Resolves with the reason when no session stands and none will come. */
  readonly lost: Promise<PorthopError>;
  /** The running command. Undefined when the plan has no command. */
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
  #targets: TargetCheck | undefined;
  #stopping = false;
  #flows: Flows | undefined;
  #command: CommandRun | undefined;

  /** `version` is porthop's own version, which plugins can read. */
  constructor(plan: TunnelPlan, telling: Telling, version: string) {
    this.#plan = plan;
    this.#telling = telling;
    this.#version = version;
  }

  /** Resolves when all listeners are up and the command runs. */
  async start(signal: AbortSignal): Promise<Started> {
    const { forwards, plugins, asksServer, exitOnForwardFailure, link } = this.#plan;
    const sessions = goalsOf(this.#plan, false)[0]?.hops.map((hop) => hop.settings.host) ?? [];
    const facts = { version: this.#version, sessions, strands: link?.sessions };
    const chain = await Chain.setUp(plugins, this.#telling, facts);
    this.#chain = chain;
    const goals = goalsOf(this.#plan, asksServer === true || isAsked(chain, forwards));
    const connected = goals.length === 0 ? undefined : await this.#connect(chain, goals, signal);
    this.#flows = new Flows(chain, this.#telling);
    this.#listeners = new Listeners(this.#flows, this.#connecting?.uplink, {
      ...this.#plan.here,
      remoteOpen: this.#plan.remoteOpen,
      exitOnForwardFailure,
      telling: this.#telling,
    });
    const up = await this.#listeners.open(forwards, signal);
    await this.#checkTargets(up, signal);
    this.#telling.bus.publish({ event: "ready", forwards: up });
    const lost = connected === undefined ? new Promise<never>(() => {}) : this.#toldLoss(connected);
    return { lost, command: await this.#command?.start() };
  }

  /**
   * Changes options of a running plugin: all of these or none. `plugin` is its name; `limit.2` is the second limit of
   * the chain. Throws a PorthopError that says why the options could not be changed.
   */
  changeOptions(plugin: string, texts: ReadonlyMap<string, string>): void {
    if (this.#chain === undefined) throw new Error("options change while a tunnel runs");
    this.#chain.changeOptions(plugin, texts);
  }

  /** Asks the server whether it is still there, and where a session is missing makes one at once. */
  reconnect(): void {
    this.#connecting?.now();
  }

  /**
   * Resolves when no connection is open: no flow, no connection to the agent, and none of an X program. As in ssh, new
   * connections are accepted until then (clientloop.c: session_closed and channel_still_open).
   */
  async idle(): Promise<void> {
    do {
      await Promise.all([this.#flows?.idle(), this.#command?.idle()]);
      await Promise.all(this.#sessions.map((session) => session.delivered()));
    } while (this.#flows?.open || this.#command?.open);
  }

  /** Stops accepting, lets open flows finish for up to `graceMs`, then breaks the rest and closes everything. */
  async stop(graceMs: number, hurry: AbortSignal): Promise<void> {
    this.#stopping = true;
    this.#connecting?.wind();
    this.#targets?.close();
    await this.#listeners?.close();
    const grace = new Grace(graceMs, hurry);
    await this.#flows?.drain(grace.over);
    const sessions = this.#sessions;
    await Promise.race([Promise.all(sessions.map((session) => session.delivered())), grace.over]);
    grace.release();
    const cut = sessions.reduce((count, { undelivered }) => count + undelivered, 0);
    if (cut > 0) this.#telling.loggerFor().warn(cutOff(cut, notPassedOn));
    await this.#connecting?.close();
    await this.#chain?.dispose();
  }

  /** The sessions that stand. */
  get #sessions(): readonly Session[] {
    return this.#connecting?.uplink.all ?? [];
  }

  #connect(chain: Chain, goals: readonly RoutePlan[], signal: AbortSignal): Promise<Connected> {
    const { command, forwards, link, canAskLater } = this.#plan;
    this.#connecting = new Connecting({ reconnect: "never", ...link, goals, canAskLater }, this.#telling);
    return this.#connecting.connect(signal, async (session) => {
      // The command's session channel must be the first one. A server may allow one session channel and no more
      // (MaxSessions 1).
      if (command !== undefined) {
        this.#command = await CommandRun.open(session, command, this.#telling.loggerFor(), signal);
      }
      if (wantsTargets(chain, forwards)) await session.locator.start(targetPorts(forwards));
    });
  }

  /** Resolves when the target of each forward that is up was reached once, where that was asked for. */
  async #checkTargets(up: readonly string[], signal: AbortSignal): Promise<void> {
    const { link, forwards, here } = this.#plan;
    if (link?.checksTargets !== true || this.#connecting === undefined) return;
    const checked = forwards.filter(({ id }) => up.includes(id));
    this.#targets = new TargetCheck(checked, this.#connecting.uplink, { ...here, telling: this.#telling });
    await this.#targets.first(signal);
  }

  async #toldLoss({ lost }: Connected): Promise<PorthopError> {
    const reason = await lost;
    if (!this.#stopping) this.#telling.bus.publish({ event: "error", error: reason });
    return reason;
  }
}

const notPassedOn = "the server had not passed them on when porthop stopped (--grace waits longer)";

/** True when a plugin, such as capture, needs addresses that only the server knows. */
function isAsked(chain: Chain, forwards: readonly Forward[]): boolean {
  return wantsTargets(chain, forwards) || (chain.locates.has(1) && forwards.some(({ side }) => side === "server"));
}

function wantsTargets({ locates }: Chain, forwards: readonly Forward[]): boolean {
  return locates.has(3) && forwards.some(({ side }) => side === "here");
}

/** Only the server of a goal may be asked, and never a jump host. */
function goalsOf({ session, trust, way, fallbacks = [] }: TunnelPlan, mayAskServer: boolean): readonly RoutePlan[] {
  if (session === undefined || trust === undefined) return [];
  return [{ session, trust, way }, ...fallbacks].map((goal) => ({
    ...goal.way,
    hops: [...(goal.way?.jumps ?? []), { settings: { ...goal.session, mayAskServer }, trust: goal.trust }],
  }));
}
