/**
 * `[user@]host[:port]` and `ssh://[user@]host[:port]`, both ways. Unlike plain ssh, `host:2222` without `ssh://` is a
 * port (cli.md). Hosts and users that could become an option or a piece of shell are refused, as ssh.c does.
 */

import { quoted, visible } from "../../text/terminal-text.ts";
import { formatHost } from "../address.ts";
import { parseHost, parsePort } from "../host-port.ts";
import { Malformed } from "../malformed.ts";

export interface Destination {
  readonly user: string | undefined;
  /** Without brackets. May be an alias of ssh_config. */
  readonly host: string;
  readonly port: number | undefined;
}

const scheme = "ssh://";
const anyScheme = /^[a-z][a-z0-9+.-]{0,30}:\/\//i;

export function parseDestination(text: string): Destination {
  try {
    return text.startsWith(scheme) ? parseUri(text.slice(scheme.length)) : parsePlain(text);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new Malformed(`destination ${visible(withoutPassword(text), 200)}: ${error.message}`);
  }
}

/** Without `ssh://`. An IPv6 address alone stands without brackets, which is how ssh takes it too. */
export function printDestination(destination: Destination): string {
  const { user, host, port } = destination;
  const place = port === undefined ? host : `${formatHost(host)}:${port}`;
  return user === undefined ? place : `${user}@${place}`;
}

/** The user name of a destination or of -l. OpenSSH's valid_ruser, and `$` as of OpenSSH 10.6. */
export function parseUser(text: string): string {
  if (text === "") throw new Malformed("the user is missing");
  if (text.length > 255) throw new Malformed(`user ${quoted(text)} is too long`);
  if (text.startsWith("-")) throw new Malformed(`user ${quoted(text)} begins with "-"`);
  // A blank inside and a backslash (DOMAIN\user) are names that exist; %r in a ProxyCommand must still be one word of
  // a shell and no option of what it runs.
  const bad = /[\p{Cc}\p{Cf}\p{Cs}]|(?! )\p{Z}|['`"$;&<>|(){}]| (?=-)|\\$/u.exec(text)?.[0];
  if (bad !== undefined) throw new Malformed(`user ${quoted(text)} contains ${quoted(bad)}`);
  // It would print as a URI and parse as another user.
  if (anyScheme.test(text)) throw new Malformed(`user ${quoted(text)} begins like a URI`);
  return text;
}

/** The last @ splits: `me@corp.example@gateway` is the user `me@corp.example`. */
function parsePlain(text: string): Destination {
  if (anyScheme.test(text)) throw new Malformed("of URIs only ssh:// is a destination");
  const at = text.lastIndexOf("@");
  const place = text.slice(at + 1);
  const user = at === -1 ? undefined : parseUser(text.slice(0, at));
  if (place.endsWith(":") && !place.endsWith("::")) throw new Malformed('nothing follows the ":"');
  return { user, ...parsePlace(place, true) };
}

/** draft-ietf-secsh-scp-sftp-ssh-uri-04, as far as ssh takes it (misc.c, parse_uri). */
function parseUri(text: string): Destination {
  const at = text.lastIndexOf("@");
  const user = at === -1 ? undefined : parseUserInfo(text.slice(0, at));
  const slash = text.indexOf("/", at + 1);
  if (slash !== -1 && slash < text.length - 1) throw new Malformed("a path after the host means nothing here");
  const place = slash === -1 ? text.slice(at + 1) : text.slice(at + 1, slash);
  return { user, ...parsePlace(place.endsWith(":") ? place.slice(0, -1) : place, false) };
}

function parseUserInfo(text: string): string {
  if (text.includes(":")) throw new Malformed("a password is not taken from a destination");
  // ssh drops connection parameters unseen, though ;fingerprint= asks for a check that then never happens.
  if (text.includes(";")) throw new Malformed('connection parameters (after ";") are not supported');
  try {
    return parseUser(decodeURIComponent(text.replaceAll("+", " ")));
  } catch (error) {
    if (error instanceof Malformed) throw error;
    throw new Malformed(`user ${quoted(text)} is not percent-encoded text`);
  }
}

function parsePlace(place: string, bareIPv6: boolean): { host: string; port: number | undefined } {
  const { host, rest } = splitPlace(place, bareIPv6);
  return { host: parseHost(host), port: rest === undefined ? undefined : parsePort(rest) };
}

function splitPlace(place: string, bareIPv6: boolean): { host: string; rest: string | undefined } {
  if (place.startsWith("[")) {
    const close = place.indexOf("]");
    const rest = place.slice(close + 1);
    if (close === -1) throw new Malformed(`${quoted(place)} lacks its "]"`);
    if (rest !== "" && !rest.startsWith(":")) throw new Malformed(`${quoted(rest)} after the "]" is not :port`);
    return { host: place.slice(1, close), rest: rest === "" ? undefined : rest.slice(1) };
  }
  const colon = place.indexOf(":");
  if (colon === -1) return { host: place, rest: undefined };
  if (colon === place.lastIndexOf(":")) return { host: place.slice(0, colon), rest: place.slice(colon + 1) };
  if (!bareIPv6) throw new Malformed("an IPv6 address in a URI goes in brackets: ssh://[::1]:22");
  return { host: place, rest: undefined };
}

/** A URI may carry a password, which must reach no message. */
function withoutPassword(text: string): string {
  return anyScheme.test(text) ? text.replace(/^([^:]*:\/\/[^:]*):.*@/s, "$1:***@") : text;
}
