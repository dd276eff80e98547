/**
 * ProxyJump and ProxyCommand of one host with their tokens replaced. A user with characters that mean something to a
 * shell, an unknown token, and a jump host that is the destination itself are refused.
 */
import { isIP } from "node:net";
import { formatAddress } from "../codec/address.ts";
import { expandTokens } from "../codec/config/percent-tokens.ts";
import { parseServerName, parseShellName, parseTrustedName } from "../codec/host-port.ts";
import { Malformed } from "../codec/malformed.ts";
import { type Destination, parseUser } from "../codec/words/destination.ts";
import { PorthopError } from "../errors.ts";
import { visible } from "../text/terminal-text.ts";
import { defaults } from "./defaults.ts";
import type { Keyword } from "./file/keyword.ts";
import type { HostWords } from "./session-settings.ts";
import type { WaySettings } from "./way-settings.ts";

/** The host, port and user of the connection, for the tokens %h, %p and %r. */
export interface Reached {
  readonly host: string;
  readonly port: number;
  readonly user: string;
}

/** The jump hosts or the command on the way to a host. Throws Malformed. */
export function namedWay({ destination, keywords, way }: HostWords, reached: Reached): WaySettings {
  const { jumps, proxyCommand } = way;
  // The tokens of sshconnect.c, expand_proxy_command. A shell may read the command line, so that each name is checked
  // where it gets there. What a file says is trusted, but for a user.
  const word = (keyword: Keyword, text: string) =>
    keywords.placeOf(keyword) === "" ? parseShellName(text) : parseTrustedName(text);
  const tokens = {
    get h() {
      return word("HostName", reached.host);
    },
    get k() {
      return word("HostKeyAlias", keywords.text("HostKeyAlias") ?? destination.host);
    },
    n: destination.host,
    p: String(reached.port),
    get r() {
      return parseUser(reached.user);
    },
  };
  if (proxyCommand !== undefined) return { jumps: [], proxyCommand: expandTokens(proxyCommand, tokens) };
  refuseLoop(jumps, destination);
  return { jumps: jumps.map((jump) => expandJump(jump, tokens)), proxyCommand };
}

/**
 * Turns a mistake in the way into a failure of its keyword, with the place in the
 * configuration files that sets the keyword.
 */
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

/** Replaces tokens in a jump host by the values of the destination: `ProxyJump gate-%h`. */
function expandJump({ user, host, port }: Destination, tokens: Readonly<Record<string, string>>): Destination {
  return {
    user: user === undefined ? undefined : parseUser(expandTokens(user, tokens)),
    // What follows the percent sign in an IPv6 address is its zone.
    host: isIP(host) === 6 ? host : parseServerName(expandTokens(host, tokens)),
    port,
  };
}
