/**
 * Hosts and ports as a user types them, checked before anything is dialed or printed. What is malformed is named with
 * its reason only; whoever parses the whole text says where it stood.
 */
import { isIP } from "node:net";
import { quoted } from "../text/terminal-text.ts";
import { Malformed } from "./malformed.ts";

/** `NI_MAXHOST` of OpenSSH's readconf.c (parse_forward): a name must be shorter. */
const maxHostBytes = 1025;

/** What OpenSSH's valid_hostname (ssh.c) refuses, and what would break the grammar around a host. */
const refused = /['`"$\\;&<>|(){},/[\]@]/;

/** Blanks, control and invisible characters: no name has them, and on a terminal they lie. */
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Z}]/u;

/**
 * A port number. Only digits: `0x50`, `+80` and ` 80` are typing errors even where ssh's strtonum lets some pass, and
 * service names (which ssh looks up) mean different things on different machines.
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

/** `host:port` or `[v6]:port` cut in two; neither is checked but for what stands in brackets. */
export function splitHostPort(text: string): { readonly host: string; readonly port: string } {
  const [, ipv6, name, port] = /^(?:\[([^\]]*)\]|([^:[\]]*)):([^:]*)$/.exec(text) ?? [];
  const host = ipv6 ?? name;
  if (host === undefined || port === undefined) throw new Malformed(`${quoted(text)} is not host:port`);
  if (ipv6 !== undefined && isIP(ipv6) !== 6) throw new Malformed(`${quoted(ipv6)} is not an IPv6 address`);
  return { host, port };
}

/** A host name or IP address, without brackets, as it may be dialed or bound. `*` passes: it is up to the caller. */
export function parseHost(text: string): string {
  const flaw = hostFlaw(text);
  if (flaw !== undefined) throw new Malformed(flaw);
  return text;
}

/** Why this text is no host, if so. */
export function hostFlaw(text: string): string | undefined {
  if (text === "") return "the host is missing";
  // A host may end up as an argument of a ProxyCommand or of ssh itself, where a dash would make it an option.
  if (text.startsWith("-")) return `host ${quoted(text)} begins with "-"`;
  if (text.length >= maxHostBytes) return `host ${quoted(text)} is too long`;
  const bad = unseen.exec(text)?.[0] ?? refused.exec(text)?.[0];
  if (bad !== undefined) return `host ${quoted(text)} contains ${quoted(bad)}`;
  // isIP takes a zone too: fe80::1%eth0.
  if (text.includes(":") && isIP(text) !== 6) return `${quoted(text)} is not an IPv6 address`;
  return undefined;
}
