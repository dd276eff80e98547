/**
 * Turns settings into the plan of a tunnel: for each host the settings of its session and its
 * trust, and the prepared plugins.
 */
import { type Destination, printDestination } from "../../codec/words/destination.ts";
import { defaults } from "../../config/defaults.ts";
import { exitsOnForwardFailure, listenSettings, remoteOpenRules } from "../../config/listen-settings.ts";
import type { RunSettings } from "../../config/run-settings.ts";
import { type HostWords, sessionSettings } from "../../config/session-settings.ts";
import { type TrustWords, trustSettings } from "../../config/trust-settings.ts";
import { PorthopError } from "../../errors.ts";
import type { StandardStreams } from "../../io/stdio.ts";
import type { Logger } from "../../plugin.ts";
import { lackingAlgorithms } from "../../ssh/algorithm/algorithms.ts";
import type { TerminalRequest } from "../../ssh/channel/session-channel.ts";
import type { Prompter } from "../../ssh/prompter.ts";
import type { SessionSettings } from "../../ssh/session.ts";
import { trustFor } from "../../ssh/trust.ts";
import { visible } from "../../text/terminal-text.ts";
import type { Goal, TunnelPlan } from "../tunnel.ts";
import { planChain } from "./chain-plan.ts";
import { type ConfiguredHop, planWay } from "./way-plan.ts";

export interface PlanDeps {
  readonly log: Logger;
  readonly prompter: Prompter | undefined;
  /** False when nobody can be asked any more once the tunnel is ready. */
  readonly canAskLater?: boolean | undefined;
  readonly environment: NodeJS.ProcessEnv;
  /** The terminal to ask the server for, for a command that gets one. */
  readonly terminal?: TerminalRequest | undefined;
  /** The stdin and stdout of this program, for -W. */
  readonly streams?: StandardStreams | undefined;
}

/** The plan of a tunnel with a session, which a relay does not have. */
export interface SshPlan extends TunnelPlan {
  readonly session: SessionSettings;
  readonly trust: NonNullable<TunnelPlan["trust"]>;
}

export async function planTunnel(settings: RunSettings, deps: PlanDeps): Promise<SshPlan> {
  const { fallbacks: others, ...link } = settings.link;
  const goal = planGoal(settings, settings, deps);
  const fallbacks = others.map((fallback) => planFallback(fallback, settings, deps));
  // Algorithms that porthop does not have are reported before anything is connected.
  const lacks = [goal, ...fallbacks].flatMap(({ session }) => lackingAlgorithms(session.algorithms));
  for (const warning of new Set(lacks)) deps.log.warn(warning);
  return {
    ...goal,
    fallbacks,
    link,
    canAskLater: deps.canAskLater,
    forwards: settings.forwards,
    plugins: await planChain(settings.plugins),
    exitOnForwardFailure: exitsOnForwardFailure(settings),
    remoteOpen: remoteOpenRules(settings),
    here: { ...listenSettings(settings), streams: deps.streams },
    asksServer: settings.asksServer,
    command:
      settings.remote === undefined
        ? undefined
        : { settings: settings.remote, terminal: deps.terminal, environment: deps.environment },
  };
}

function planFallback(fallback: Destination, settings: RunSettings, deps: PlanDeps): Goal {
  if (settings.fallbackSettings === undefined) throw new Error("no configuration was read");
  try {
    return planGoal(settings.fallbackSettings(fallback), settings, deps);
  } catch (error) {
    if (!(error instanceof PorthopError)) throw error;
    const which = `the fallback ${visible(printDestination(fallback), 200)}`;
    throw new PorthopError(error.code, `${which}: ${error.message}`, { hint: error.hint, cause: error });
  }
}

/** `own` has the words for the host itself, `settings` those of the whole tunnel. */
function planGoal(own: HostWords & TrustWords, settings: RunSettings, deps: PlanDeps): Goal {
  const session = sessionSettings(own, usualTimeoutMs(settings));
  // The host key is looked up for HostName and not for the typed name (ssh.c hands HostName to ssh_login).
  const known = { host: session.host, port: session.port, user: session.user };
  const trust = trustSettings(own);
  const way = planWay(own, session, {
    environment: deps.environment,
    hopOf: (jump) => configuredHop(jump, settings, deps),
  });
  return { session, trust: trustFor(known, trust, deps), way };
}

/** A host on the way keeps the next goal, or the next try, waiting as the goal itself does. */
function usualTimeoutMs({ link }: RunSettings): number | undefined {
  if (link.fallbacks.length > 0) return defaults.fallbackConnectTimeoutMs;
  return link.reconnect === "never" ? undefined : defaults.repeatedConnectTimeoutMs;
}

/** A jump host with the settings that the configuration has for this host. */
function configuredHop(jump: Destination, tunnel: RunSettings, deps: PlanDeps): ConfiguredHop {
  if (tunnel.hopSettings === undefined) throw new Error("no configuration was read");
  const own = tunnel.hopSettings(jump);
  const session = sessionSettings(own, usualTimeoutMs(tunnel));
  // Not compressed: the session that passes through may compress already.
  const settings = { ...session, isJump: true, algorithms: { ...session.algorithms, compression: false } };
  const { host, port, user } = settings;
  return { own, settings, trust: trustFor({ host, port, user }, trustSettings(own), deps) };
}
