/**
 * Hosts and ports as a user types them, checked before anything is dialed or printed. The Malformed thrown here names
 * the faulty part and the reason only; the caller that parses the whole text adds that text.
 */
import { isIP } from "node:net";
import { quoted } from "../text/terminal-text.ts";
import { Malformed } from "./malformed.ts";

/** `NI_MAXHOST` of OpenSSH's readconf.c (parse_forward): a name must be shorter. */
const maxHostBytes = 1025;

/** The characters that OpenSSH's valid_hostname (ssh.c) refuses. */
const shellSigns = /['`"$\\;&<>|(){},]/;

/** Blanks, control characters and invisible characters. No host has them, and a terminal would show a false host. */
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Z}]/u;

/**
 * A port number. Only digits: `0x50`, `+80` and ` 80` are typing errors even where ssh's strtonum lets some pass. Where
 * ssh takes the name of a service too, service-port.ts reads the port.
 */
export function parsePort(text: string, least: 0 | 1 = 1): number {
  const range = `(${least} to 65535)`;
  if (/^\d{1,40}$/.test(text)) {
    const port = Number(text);
    if (port >= least && port <= 65535) return port;
  }
  if (text === "") throw new Malformed(`the port is missing ${range}`);
  if (/^[a-z][a-z0-9-]{0,30}$/i.test(text)) {
    throw new Malformed(`${quoted(text)} is a name, not a port: give the service's number ${range}`);
  }
  throw new Malformed(`${quoted(text)} is not a port ${range}`);
}

/**
 * Cuts `host:port` or `[v6]:port` in two. Checks only that the text in brackets is an IPv6 address. Throws Malformed.
 */
export function splitHostPort(text: string): { readonly host: string; readonly port: string } {
  const [, ipv6, name, port] = /^(?:\[([^\]]*)\]|([^:[\]]*)):([^:]*)$/.exec(text) ?? [];
  const host = ipv6 ?? name;
  if (host === undefined || port === undefined) throw new Malformed(`${quoted(text)} is not host:port`);
  if (ipv6 !== undefined && isIP(ipv6) !== 6) throw new Malformed(`${quoted(ipv6)} is not an IPv6 address`);
  return { host, port };
}

/**
 * The name of a server as it is typed. It need not be a name of the network: a Host of ssh_config may be called
 * `work/box` or `aws:prod:1`. What means something to a shell is refused, as by OpenSSH's valid_hostname (ssh.c), and
 * brackets and @, which have a meaning around the name.
 */
export function parseServerName(text: string): string {
  const bad = /[[\]@]/.exec(parseShellName(text))?.[0];
  if (bad !== undefined) throw new Malformed(`host ${quoted(text)} contains ${quoted(bad)}`);
  return text;
}

/** A name that a shell may read in a command. */
export function parseShellName(text: string): string {
  refuseHarm(text);
  const bad = shellSigns.exec(text)?.[0];
  if (bad !== undefined) throw new Malformed(`host ${quoted(text)} contains ${quoted(bad)}`);
  return text;
}

/** The name of a server as a configuration file has it. The file is the user's own: only what cannot be seen is refused. */
export function parseTrustedName(text: string): string {
  refuseHarm(text);
  return text;
}

function refuseHarm(text: string): void {
  const flaw = harmIn(text);
  if (flaw !== undefined) throw new Malformed(flaw);
}

/** Checks a host name or IP address (without brackets) to dial or bind. `*` passes, and the caller judges it. */
export function parseHost(text: string): string {
  const flaw = hostFlaw(text);
  if (flaw !== undefined) throw new Malformed(flaw);
  return text;
}

/** Why this text is no host; undefined for a good host. */
export function hostFlaw(text: string): string | undefined {
  const harm = harmIn(text);
  if (harm !== undefined) return harm;
  const bad = shellSigns.exec(text)?.[0] ?? /[/[\]@]/.exec(text)?.[0];
  if (bad !== undefined) return `host ${quoted(text)} contains ${quoted(bad)}`;
  // isIP takes a zone too: fe80::1%eth0.
  if (text.includes(":") && isIP(text) !== 6) return `${quoted(text)} is not an IPv6 address`;
  return undefined;
}

/** What no host may have, wherever it is said. */
function harmIn(text: string): string | undefined {
  if (text === "") return "the host is missing";
  // A host may end up as an argument of a ProxyCommand or of ssh itself, where a dash would make it an option.
  if (text.startsWith("-")) return `host ${quoted(text)} begins with "-"`;
  if (text.length >= maxHostBytes) return `host ${quoted(text)} is too long`;
  const bad = unseen.exec(text)?.[0];
  return bad === undefined ? undefined : `host ${quoted(text)} contains ${quoted(bad)}`;
}
