/**
 * Parses and prints `[user@]host[:port]` and `ssh://[user@]host[:port]`. Unlike in ssh, a number behind the only colon
 * is a port: `host:2222`. With other colons the text is a name, as in ssh. Hosts and users that could become an
 * option or a piece of shell are refused, as in ssh.c.
 */

import { quoted, visible } from "../../text/terminal-text.ts";
import { formatHost } from "../address.ts";
import { parsePort, parseServerName } from "../host-port.ts";
import { Malformed } from "../malformed.ts";
import { parseServicePort } from "../service-port.ts";

export interface Destination {
  readonly user: string | undefined;
  /** Without brackets. May be an alias of ssh_config. */
  readonly host: string;
  readonly port: number | undefined;
}

const scheme = "ssh://";
/** A single colon, with nothing behind it or what begins like a number. */
const withPort = /^[^:]*:(?:[-+\p{N}][^:]*)?$/u;
const anyScheme = /^[a-z][a-z0-9+.-]{0,30}:\/\//i;

/** Whether a text that could be `host:port` is the whole name of a host. */
export type IsHost = (text: string) => boolean;

export function parseDestination(text: string, isHost: IsHost = () => false): Destination {
  try {
    return text.startsWith(scheme) ? parseUri(text.slice(scheme.length)) : parsePlain(text, isHost);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new Malformed(`destination ${visible(withoutPassword(text), 200)}: ${error.message}`);
  }
}

/**
 * Prints without `ssh://`. A host without a port gets no brackets, as ssh expects it, unless it would be read as
 * something else.
 */
export function printDestination(destination: Destination): string {
  const { user, host, port } = destination;
  const alone = withPort.test(host) || anyScheme.test(host) ? `[${host}]` : host;
  const place = port === undefined ? alone : `${formatHost(host)}:${port}`;
  return user === undefined ? place : `${user}@${place}`;
}

/**
 * The user name of a destination or of -l. Refuses what OpenSSH's valid_ruser refuses, and `$` as OpenSSH 10.6 does.
 */
export function parseUser(text: string): string {
  if (text === "") throw new Malformed("the user is missing");
  if (text.length > 255) throw new Malformed(`user ${quoted(text)} is too long`);
  if (text.startsWith("-")) throw new Malformed(`user ${quoted(text)} begins with "-"`);
  // Names with a blank or backslash inside (DOMAIN\user) exist, so both pass. But %r in a ProxyCommand must stay one
  // word of a shell, and must not become an option of the program that the command runs.
  const bad = /[\p{Cc}\p{Cf}\p{Cs}]|(?! )\p{Z}|['`"$;&<>|(){}]| (?=-)|\\$/u.exec(text)?.[0];
  if (bad !== undefined) throw new Malformed(`user ${quoted(text)} contains ${quoted(bad)}`);
  // A user that begins like a URI would, printed in a destination, parse as a URI with another user.
  if (anyScheme.test(text)) throw new Malformed(`user ${quoted(text)} begins like a URI`);
  return text;
}

/** The last @ separates user and host: `me@corp.example@gateway` has the user `me@corp.example`. */
function parsePlain(text: string, isHost: IsHost): Destination {
  if (anyScheme.test(text)) throw new Malformed("of URIs only ssh:// is a destination");
  const at = text.lastIndexOf("@");
  const place = text.slice(at + 1);
  const user = at === -1 ? undefined : parseUser(text.slice(0, at));
  if (withPort.test(place) && isHost(place)) return { user, host: parseServerName(place), port: undefined };
  if (place.endsWith(":") && !place.endsWith("::")) throw new Malformed('nothing follows the ":"');
  return { user, ...parsePlace(place, false) };
}

/** draft-ietf-secsh-scp-sftp-ssh-uri-04, as far as ssh takes it (misc.c, parse_uri). */
function parseUri(text: string): Destination {
  const at = text.lastIndexOf("@");
  const user = at === -1 ? undefined : parseUserInfo(text.slice(0, at));
  const slash = text.indexOf("/", at + 1);
  if (slash !== -1 && slash < text.length - 1) throw new Malformed("a path after the host means nothing here");
  const place = slash === -1 ? text.slice(at + 1) : text.slice(at + 1, slash);
  return { user, ...parsePlace(place.endsWith(":") ? place.slice(0, -1) : place, true) };
}

function parseUserInfo(text: string): string {
  if (text.includes(":")) throw new Malformed("a password is not taken from a destination");
  // ssh ignores connection parameters: a user who writes ;fingerprint= gets no check and no message.
  if (text.includes(";")) throw new Malformed('connection parameters (after ";") are not supported');
  try {
    return parseUser(decodeURIComponent(text.replaceAll("+", " ")));
  } catch (error) {
    if (error instanceof Malformed) throw error;
    throw new Malformed(`user ${quoted(text)} is not percent-encoded text`);
  }
}

function parsePlace(place: string, isUri: boolean): { host: string; port: number | undefined } {
  const { host, rest } = splitPlace(place, isUri);
  // misc.c, valid_domain: the dot at the end of a name is dropped from a URI.
  const name = isUri && host !== "." ? host.replace(/\.$/, "") : host;
  // ssh takes the name of a service in a URI; behind a plain host it has no port at all.
  const readPort = isUri ? parseServicePort : parsePort;
  return { host: parseServerName(name), port: rest === undefined ? undefined : readPort(rest) };
}

function splitPlace(place: string, isUri: boolean): { host: string; rest: string | undefined } {
  if (place.startsWith("[")) {
    const close = place.indexOf("]");
    const rest = place.slice(close + 1);
    if (close === -1) throw new Malformed(`${quoted(place)} lacks its "]"`);
    if (rest !== "" && !rest.startsWith(":")) throw new Malformed(`${quoted(rest)} after the "]" is not :port`);
    return { host: place.slice(1, close), rest: rest === "" ? undefined : rest.slice(1) };
  }
  const colon = place.indexOf(":");
  if (isUri && colon !== place.lastIndexOf(":")) {
    throw new Malformed("an IPv6 address in a URI goes in brackets: ssh://[::1]:22");
  }
  const hasPort = isUri ? colon !== -1 : withPort.test(place);
  return hasPort ? { host: place.slice(0, colon), rest: place.slice(colon + 1) } : { host: place, rest: undefined };
}

/** A URI may hold a password, and no message may show the password. */
function withoutPassword(text: string): string {
  return anyScheme.test(text) ? text.replace(/^([^:]*:\/\/[^:]*):.*@/s, "$1:***@") : text;
}
