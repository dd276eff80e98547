/**
 * Fills in `~`, `%h` and `${NAME}` as ssh does (ssh_config(5), TOKENS and ENVIRONMENT VARIABLES), each only in the
 * keywords in which ssh.c does. Text that was filled in is not filled a second time.
 */
import { createHash } from "node:crypto";
import { expandTokens, expandTokensAndVariables } from "../../codec/config/percent-tokens.ts";
import { Malformed } from "../../codec/malformed.ts";
import { parseUser } from "../../codec/words/destination.ts";
import { quoted, visible } from "../../text/terminal-text.ts";
import type { Machine } from "./config-sources.ts";
import type { Keyword } from "./keyword.ts";
import type { Keywords } from "./keyword-record.ts";

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
  /** The jump host next to the host, or "". */
  readonly jump: string;
}

export function connectionTokens(connection: Connection, machine: Machine): Tokens {
  const { originalHost, host, keyName, port, user, jump } = connection;
  return {
    C: createHash("sha1").update(`${machine.host}${host}${port}${user}${jump}`).digest("hex"),
    L: machine.host.split(".", 1)[0] ?? "",
    d: machine.home,
    h: host,
    i: machine.uid,
    j: jump,
    k: keyName,
    l: machine.host,
    n: originalHost,
    p: port,
    r: user,
    u: machine.user,
  };
}

/**
 * Fills in a User of the files. A user that is typed stays as it is, as in OpenSSH 10.1. The hash of %C has the user
 * in it, so that neither %C nor %r is known here.
 */
export function fillUser(keywords: Keywords, tokens: Tokens, machine: Machine): void {
  if (keywords.placeOf("User") === "") return;
  const { C: _hash, r: _user, ...known } = tokens;
  fill(keywords, "User", (text) => {
    const filled = expandTokensAndVariables(text, known, machine.environment);
    return filled === text ? text : parseUser(filled);
  });
}

/** Fills in `~`, tokens and variables in the names of files and sockets, and tokens in the command. */
export function fillTokens(keywords: Keywords, tokens: Tokens, machine: Machine): void {
  const text = (given: string) => expandTokensAndVariables(given, tokens, machine.environment);
  const path = (given: string) => text(fillHome(given, machine));
  fill(keywords, "RemoteCommand", (given) => expandTokens(given, tokens));
  // Only what is behind the "=" is filled in, and the name is not.
  fill(keywords, "SetEnv", (given) => given.replace(/(?<==).*$/s, text));
  for (const keyword of [
    "CertificateFile",
    "ControlPath",
    "IdentityAgent",
    "IdentityFile",
    "RevokedHostKeys",
    "UserKnownHostsFile",
  ] as const) {
    fill(keywords, keyword, path);
  }
  fill(keywords, "ForwardAgent", (given) => (/^(yes|no|true|false)$/i.test(given) ? given : path(given)));
  fill(keywords, "GlobalKnownHostsFile", (given) => fillHome(given, machine));
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
