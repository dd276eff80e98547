/**
 * The way to sshd, planned: jump hosts with settings and logins of their own, or the command line of a ProxyCommand.
 * As ssh, which starts another ssh for each jump host, the configuration is read for each by its own name. Without one
 * identities, agent, known_hosts, BatchMode, keepalives and time-outs are those of the destination, and nothing else is.
 */
import { formatAddress } from "../../codec/address.ts";
import { expandTokens } from "../../codec/config/percent-tokens.ts";
import { parseHost } from "../../codec/host-port.ts";
import { Malformed } from "../../codec/malformed.ts";
import { type Destination, parseUser, printDestination } from "../../codec/words/destination.ts";
import { currentUser } from "../../config/current-user.ts";
import type { HopSettings } from "../../config/run-configuration.ts";
import type { RunSettings } from "../../config/run-settings.ts";
import { PorthopError } from "../../errors.ts";
import type { Hop } from "../../ssh/route.ts";
import type { SessionSettings } from "../../ssh/session.ts";
import { visible } from "../../text/terminal-text.ts";
import type { Way } from "../tunnel.ts";

export interface WayDeps {
  readonly environment: NodeJS.ProcessEnv;
  /** How a jump host is trusted and logged in to. */
  trustOf(jump: SessionSettings): Hop["trust"];
  /** What the configuration says of a jump host; left out when none was read. */
  readonly hopOf?: ((jump: Destination) => ConfiguredHop) | undefined;
}

export interface ConfiguredHop extends Hop {
  readonly own: HopSettings;
}

/** Whom the way leads to. */
type Goal = Pick<RunSettings, "way" | "destination" | "keywords">;

/** Undefined when sshd is dialed directly. */
export function planWay(
  settings: Goal,
  session: SessionSettings,
  deps: WayDeps,
  passed: readonly string[] = [],
): Way | undefined {
  const { jumps, proxyCommand } = settings.way;
  if (jumps.length === 0 && proxyCommand === undefined) return undefined;
  try {
    const tokens = tokensOf(settings, session);
    if (proxyCommand !== undefined) {
      return { jumps: [], command: expandTokens(proxyCommand, tokens), environment: deps.environment };
    }
    refuseLoop(jumps, settings.destination);
    const places = jumps.map((jump) => expandJump(jump, tokens));
    if (deps.hopOf !== undefined) return configuredWay(places.map(deps.hopOf), deps, passed);
    const hosts = places.map((place) => jumpSettings(place, session));
    return { jumps: hosts.map((host) => ({ settings: host, trust: deps.trustOf(host) })) };
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    const keyword = proxyCommand === undefined ? "ProxyJump" : "ProxyCommand";
    const place = visible(settings.keywords.placeOf(keyword), 200);
    const code = place !== "" || passed.length > 0 ? "config.invalid" : "usage";
    throw new PorthopError(code, `${place}${keyword}: ${error.message}`, { cause: error });
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

/** sshconnect.c, expand_proxy_command. They may become words of a shell's command line, which a name must not leave. */
function tokensOf({ destination, keywords }: Goal, session: SessionSettings): Readonly<Record<string, string>> {
  return {
    h: parseHost(session.host),
    k: parseHost(keywords.text("HostKeyAlias") ?? destination.host),
    n: parseHost(destination.host),
    p: String(session.port),
    r: parseUser(session.user),
  };
}

/** ssh.c, main: "jumphost loop via". */
function refuseLoop(jumps: readonly Destination[], destination: Destination): void {
  const last = jumps.at(-1);
  if (last === undefined || last.host !== destination.host) return;
  if ((last.port ?? 22) !== (destination.port ?? 22) || (last.user ?? destination.user) !== destination.user) return;
  throw new Malformed(`${formatAddress({ host: last.host, port: last.port ?? 22 })} is the destination itself`);
}

/** The tokens are those of the destination: `ProxyJump gate-%h`. */
function expandJump({ user, host, port }: Destination, tokens: Readonly<Record<string, string>>): Destination {
  return {
    user: user === undefined ? undefined : parseUser(expandTokens(user, tokens)),
    // What follows the percent sign in an IPv6 address is its zone.
    host: host.includes(":") ? host : parseHost(expandTokens(host, tokens)),
    port,
  };
}

function jumpSettings(
  { user = currentUser(), host, port = 22 }: Destination,
  session: SessionSettings,
): SessionSettings {
  // What is compressed inside is not compressed once more on the way.
  return { ...session, user, host, port, isJump: true, algorithms: {} };
}
