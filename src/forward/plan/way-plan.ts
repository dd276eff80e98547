/**
 * Plans the way to sshd: jump hosts with their own settings and logins, or the command line of a ProxyCommand. The
 * configuration is read for each jump host by its own name, because ssh starts another ssh for each.
 */
import { Malformed } from "../../codec/malformed.ts";
import { type Destination, printDestination } from "../../codec/words/destination.ts";
import type { HopSettings } from "../../config/run-configuration.ts";
import type { HostWords } from "../../config/session-settings.ts";
import { namedWay, wayFailure } from "../../config/way-names.ts";
import type { Hop } from "../../ssh/route.ts";
import type { SessionSettings } from "../../ssh/session.ts";
import type { Way } from "../tunnel.ts";

export interface WayDeps {
  readonly environment: NodeJS.ProcessEnv;
  /** Reads what the configuration says of a jump host. */
  hopOf(jump: Destination): ConfiguredHop;
}

export interface ConfiguredHop extends Hop {
  readonly own: HopSettings;
}

/**
 * `goal` is the host to which the way leads, `passed` the jump hosts for which a way is being planned already.
 * Undefined when sshd is dialed directly.
 */
export function planWay(
  goal: HostWords,
  session: SessionSettings,
  deps: WayDeps,
  passed: readonly string[] = [],
): Way | undefined {
  if (goal.way.jumps.length === 0 && goal.way.proxyCommand === undefined) return undefined;
  try {
    const { jumps, proxyCommand } = namedWay(goal, session);
    if (proxyCommand !== undefined) return { jumps: [], command: proxyCommand, environment: deps.environment };
    return configuredWay(
      jumps.map((jump) => deps.hopOf(jump)),
      deps,
      passed,
    );
  } catch (error) {
    throw error instanceof Malformed ? wayFailure(goal, passed.length > 0, error) : error;
  }
}

/** Only the first jump host has a way of its own: ssh -J reaches each other jump host through the one before it. */
function configuredWay(hops: readonly ConfiguredHop[], deps: WayDeps, passed: readonly string[]): Way {
  const [first] = hops;
  if (first === undefined) return { jumps: [] };
  // A loop shows in the names of the configuration, because two jump hosts with different names may be one machine.
  const name = printDestination(first.own.destination);
  if (passed.includes(name)) throw new Malformed(`${[...passed, name].join(" by way of ")} is a loop`);
  const before = planWay(first.own, first.settings, deps, [...passed, name]);
  const plain = hops.map(({ settings, trust }) => ({ settings, trust }));
  return before === undefined ? { jumps: plain } : { ...before, jumps: [...before.jumps, ...plain] };
}
