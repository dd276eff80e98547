/**
 * The words of a remote command and what goes with it: terminal, stdin, environment, agent and X11. As in ssh a flag is
 * stronger than its keyword, and of two opposite flags the last one counts (ssh.c, main).
 */

import { matchesPattern } from "../codec/host-pattern.ts";
import { Malformed } from "../codec/malformed.ts";
import { escapeOf } from "../codec/session/escape-character.ts";
import { quoted, visible } from "../text/terminal-text.ts";
import type { Keywords } from "./file/keyword.ts";
import type { Given } from "./given.ts";

export interface CommandSettings {
  /** The login shell when left out. */
  readonly command: string | undefined;
  /** `yes` needs a terminal here, `force` does not. */
  readonly terminal: "no" | "yes" | "force";
  readonly readsInput: boolean;
  /** The character code; undefined for none. */
  readonly escape: number | undefined;
  /** Names of variables, with * and ?; one with a dash in front takes away. */
  readonly sendEnv: readonly string[];
  readonly setEnv: readonly (readonly [name: string, value: string])[];
  /** As ForwardAgent says it, or as IdentityAgent does when that is the one. */
  readonly forwardAgent: string | undefined;
  readonly x11: X11Settings | undefined;
}

export interface X11Settings {
  readonly trusted: boolean;
  /** 0 for ever. */
  readonly timeoutMs: number;
  readonly xauth: string;
}

/** Undefined when nothing is to run: without words after the host -N is implied, unless -t asks for a shell. */
export function readCommand(given: Given, keywords: Keywords, words: readonly string[]): CommandSettings | undefined {
  const sessionType = keywords.text("SessionType")?.toLowerCase();
  if (sessionType === "subsystem") throw new Malformed("SessionType=subsystem: porthop runs commands only");
  const isNone = given.has("N") || sessionType === "none";
  if (words.length > 0 && isNone) {
    throw new Malformed(`-N is for no command, and there is one: ${visible(words.join(" "), 100)}`);
  }
  const terminal = terminalOf(given, keywords);
  // A RequestTTY of the configuration is for all that is run on the host, and is no wish to run something.
  const wantsShell = words.length === 0 && !isNone && given.has("t") && terminal !== "no";
  if (words.length === 0 && !wantsShell) return undefined;
  const command = words.length > 0 ? words.join(" ") : remoteCommand(keywords);
  if (command?.trim() === "") throw new Malformed("the command is empty");
  return {
    command,
    terminal,
    readsInput: !given.has("n") && !given.has("f") && !keywords.flag("StdinNull", false),
    escape: escapeIn(given.last("e") ?? keywords.text("EscapeChar") ?? "~"),
    sendEnv: keywords.all("SendEnv").flatMap((value) => value.split(/\s+/)),
    setEnv: (keywords.list("SetEnv") ?? []).map(variable),
    forwardAgent: agentToForward(lastOf(given, "A", "a") ?? keywords.text("ForwardAgent"), keywords),
    x11: x11Of(given, keywords),
  };
}

/** The variables that go along: those of SetEnv, then those of ours that SendEnv names. */
export function commandEnvironment(
  { sendEnv, setEnv }: CommandSettings,
  environment: NodeJS.ProcessEnv,
): readonly (readonly [name: string, value: string])[] {
  const patterns: string[] = [];
  for (const pattern of sendEnv) {
    if (!pattern.startsWith("-")) patterns.push(pattern);
    else patterns.splice(0, patterns.length, ...patterns.filter((each) => !matchesPattern(each, pattern.slice(1))));
  }
  const sent = Object.entries(environment).flatMap(([name, value]) =>
    value !== undefined && patterns.some((pattern) => matchesPattern(name, pattern)) ? [[name, value] as const] : [],
  );
  // clientloop.c, client_session2_setup: the later ones win at the server, and SetEnv is sent last.
  return [...sent.filter(([name]) => !setEnv.some(([set]) => set === name)), ...setEnv];
}

function terminalOf(given: Given, keywords: Keywords): CommandSettings["terminal"] {
  let terminal: CommandSettings["terminal"] | undefined;
  for (const { flag } of given.inOrder()) {
    if (flag === "T") terminal = "no";
    else if (flag === "t") terminal = terminal === "yes" ? "force" : "yes";
  }
  const keyword = keywords.text("RequestTTY")?.toLowerCase();
  if (keyword === "force") return terminal ?? keyword;
  return terminal ?? (keyword === "yes" || keyword === "true" ? "yes" : "no");
}

/** ssh.c, main: IdentityAgent takes the place of SSH_AUTH_SOCK, so that "yes" is that agent, and none with "none". */
function agentToForward(wanted: string | undefined, keywords: Keywords): string | undefined {
  return wanted !== undefined && /^(yes|true)$/i.test(wanted) ? (keywords.text("IdentityAgent") ?? wanted) : wanted;
}

/** RemoteCommand stands in for the shell; a command of the command line is stronger. */
function remoteCommand(keywords: Keywords): string | undefined {
  const text = keywords.text("RemoteCommand");
  return text?.toLowerCase() === "none" ? undefined : text;
}

function escapeIn(text: string): number | undefined {
  const code = escapeOf(text);
  if (code === null)
    throw new Malformed(`the escape character ${quoted(text)} is not one character, ^ and one, or none`);
  return code;
}

function variable(word: string): readonly [name: string, value: string] {
  const equals = word.indexOf("=");
  if (equals < 1) throw new Malformed(`SetEnv: ${quoted(word)} is not NAME=value`);
  return [word.slice(0, equals), word.slice(equals + 1)];
}

function x11Of(given: Given, keywords: Keywords): X11Settings | undefined {
  const isOn = (lastOf(given, "XY", "x") ?? (keywords.flag("ForwardX11", false) ? "yes" : "no")) === "yes";
  if (!isOn) return undefined;
  return {
    trusted: given.has("Y") || keywords.flag("ForwardX11Trusted", false),
    timeoutMs: keywords.time("ForwardX11Timeout") ?? 20 * 60_000,
    xauth: keywords.text("XAuthLocation") ?? "xauth",
  };
}

function lastOf(given: Given, yes: string, no: string): "yes" | "no" | undefined {
  const flag = given.inOrder().findLast((each) => each.flag.length === 1 && (yes + no).includes(each.flag))?.flag;
  return flag === undefined ? undefined : yes.includes(flag) ? "yes" : "no";
}
