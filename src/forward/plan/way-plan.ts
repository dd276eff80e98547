/**
 * The way to sshd, planned: jump hosts with settings and logins of their own, or the command line of a ProxyCommand.
 * As ssh, which starts another ssh for each jump host, the configuration is read for each by its own name.
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
  /** What the configuration says of a jump host. */
  hopOf(jump: Destination): ConfiguredHop;
}

export interface ConfiguredHop extends Hop {
  readonly own: HopSettings;
}

/** `goal` is whom the way leads to. Undefined when sshd is dialed directly. */
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

/** ssh -J hands the rest of the list down, so that only the first jump host has a way of its own. */
function configuredWay(hops: readonly ConfiguredHop[], deps: WayDeps, passed: readonly string[]): Way {
  const [first] = hops;
  if (first === undefined) return { jumps: [] };
  // By their names in the configuration: two of them may well be the same machine.
  const name = printDestination(first.own.destination);
  if (passed.includes(name)) throw new Malformed(`${[...passed, name].join(" by way of ")} is a loop`);
  const before = planWay(first.own, first.settings, deps, [...passed, name]);
  const plain = hops.map(({ settings, trust }) => ({ settings, trust }));
  return before === undefined ? { jumps: plain } : { ...before, jumps: [...before.jumps, ...plain] };
}
