/**
 * Fills in `~`, `%h` and `${NAME}` as ssh does (ssh_config(5), TOKENS and ENVIRONMENT VARIABLES), each only in the
 * keywords in which ssh.c does. Text that was filled in is not filled a second time.
 */
import { createHash } from "node:crypto";
import { expandTokens, expandTokensAndVariables } from "../../codec/config/percent-tokens.ts";
import { Malformed } from "../../codec/malformed.ts";
import { quoted, visible } from "../../text/terminal-text.ts";
import type { Machine } from "./config-sources.ts";
import type { Keyword, Keywords } from "./keyword.ts";

export type Tokens = Readonly<Record<string, string>>;

/** The facts about the connection that tokens stand for. */
export interface Connection {
  /** The host name as typed. */
  readonly originalHost: string;
  /** The host name after HostName. */
  readonly host: string;
  /** HostKeyAlias, or else the host name. */
  readonly keyName: string;
  readonly port: string;
  readonly user: string;
  readonly jumps: string;
}

export function connectionTokens(connection: Connection, machine: Machine): Tokens {
  const { originalHost, host, keyName, port, user, jumps } = connection;
  return {
    C: createHash("sha1").update(`${machine.host}${host}${port}${user}`).digest("hex"),
    L: machine.host.split(".", 1)[0] ?? "",
    d: machine.home,
    h: host,
    i: machine.uid,
    j: jumps,
    k: keyName,
    l: machine.host,
    n: originalHost,
    p: port,
    r: user,
    u: machine.user,
  };
}

/** Fills in `~`, tokens and variables in the names of files and sockets, and tokens in the command. */
export function fillTokens(keywords: Keywords, tokens: Tokens, machine: Machine): void {
  const path = (text: string) => expandTokensAndVariables(fillHome(text, machine), tokens, machine.environment);
  fill(keywords, "RemoteCommand", (text) => expandTokens(text, tokens));
  for (const keyword of [
    "CertificateFile",
    "ControlPath",
    "IdentityAgent",
    "IdentityFile",
    "UserKnownHostsFile",
  ] as const) {
    fill(keywords, keyword, path);
  }
  fill(keywords, "ForwardAgent", (text) => (/^(yes|no|true|false)$/i.test(text) ? text : path(text)));
  for (const keyword of ["GlobalKnownHostsFile", "RevokedHostKeys"] as const) {
    fill(keywords, keyword, (text) => fillHome(text, machine));
  }
}

/**
 * As misc.c, tilde_expand: `~/x` is in the user's own home folder, `~user/x` in the folder of that user. Throws
 * Malformed when there is no such user.
 */
export function fillHome(path: string, machine: Machine): string {
  const [, user, rest = ""] = /^~([^/]*)(.*)$/s.exec(path) ?? [];
  if (user === undefined) return path;
  const home = user === "" ? machine.home : machine.homeOf(user);
  if (home === undefined) throw new Malformed(`${quoted(path)}: there is no user ${quoted(user)}`);
  return `${home.replace(/\/+$/, "")}/${rest.slice(1)}`;
}

/** Runs `read`. A Malformed from `read` gets the value's file and line and the keyword in front. */
export function locating<T>(keywords: Keywords, keyword: Keyword, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new Malformed(`${visible(keywords.placeOf(keyword), 200)}${keyword}: ${error.message}`);
  }
}

function fill(keywords: Keywords, keyword: Keyword, change: (text: string) => string): void {
  locating(keywords, keyword, () => keywords.replace(keyword, change));
}
