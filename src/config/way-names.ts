/**
 * ProxyJump and ProxyCommand with their tokens filled in: whom they name on the way to one host. A name that a shell would
 * read as more, a token that there is not, and a jump host that is the destination itself are refused.
 */
import { formatAddress } from "../codec/address.ts";
import { expandTokens } from "../codec/config/percent-tokens.ts";
import { parseHost } from "../codec/host-port.ts";
import { Malformed } from "../codec/malformed.ts";
import { type Destination, parseUser } from "../codec/words/destination.ts";
import { PorthopError } from "../errors.ts";
import { visible } from "../text/terminal-text.ts";
import { defaults } from "./defaults.ts";
import type { HostWords } from "./session-settings.ts";
import type { WaySettings } from "./way-settings.ts";

/** What is really connected to, for the tokens. */
export interface Reached {
  readonly host: string;
  readonly port: number;
  readonly user: string;
}

/** Jump hosts and command as `words` name them. Throws Malformed. */
export function namedWay({ destination, keywords, way }: HostWords, reached: Reached): WaySettings {
  const { jumps, proxyCommand } = way;
  // sshconnect.c, expand_proxy_command. They may become words of a shell's command line, which a name must not leave.
  const tokens = {
    h: parseHost(reached.host),
    k: parseHost(keywords.text("HostKeyAlias") ?? destination.host),
    n: parseHost(destination.host),
    p: String(reached.port),
    r: parseUser(reached.user),
  };
  if (proxyCommand !== undefined) return { jumps: [], proxyCommand: expandTokens(proxyCommand, tokens) };
  refuseLoop(jumps, destination);
  return { jumps: jumps.map((jump) => expandJump(jump, tokens)), proxyCommand };
}

/** What is wrong with the way, as the failure of its keyword: it names the place of the configuration that has it. */
export function wayFailure({ keywords, way }: HostWords, isOfJump: boolean, error: Malformed): PorthopError {
  const keyword = way.proxyCommand === undefined ? "ProxyJump" : "ProxyCommand";
  const place = visible(keywords.placeOf(keyword), 200);
  const code = place !== "" || isOfJump ? "config.invalid" : "usage";
  return new PorthopError(code, `${place}${keyword}: ${error.message}`, { cause: error });
}

/** ssh.c, main: "jumphost loop via". */
function refuseLoop(jumps: readonly Destination[], destination: Destination): void {
  const last = jumps.at(-1);
  if (last === undefined || last.host !== destination.host) return;
  const port = last.port ?? defaults.port;
  if (port !== (destination.port ?? defaults.port) || (last.user ?? destination.user) !== destination.user) return;
  throw new Malformed(`${formatAddress({ host: last.host, port })} is the destination itself`);
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
