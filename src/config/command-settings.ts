/**
 * The settings of the command on the server: its words, terminal, stdin, environment, agent and X11. As in ssh (ssh.c,
 * main) a flag wins over its keyword, and of two opposite flags the last one wins.
 */

import { matchesPattern } from "../codec/host-pattern.ts";
import { Malformed } from "../codec/malformed.ts";
import { escapeOf } from "../codec/session/escape-character.ts";
import { quoted } from "../text/terminal-text.ts";
import { asksForShell, type SshTunnel } from "../tunnel/tunnel-description.ts";
import { defaults } from "./defaults.ts";
import type { Keywords } from "./file/keyword-record.ts";

export interface CommandSettings {
  /** Undefined for the user's login shell. */
  readonly command: string | undefined;
  /** `yes` asks for a terminal on the server only when stdin here is a terminal, `force` asks always. */
  readonly terminal: "no" | "yes" | "force";
  readonly readsInput: boolean;
  /** The code of the escape character; undefined when there is none. */
  readonly escape: number | undefined;
  /**
   * Patterns for names of variables, with * and ?. A pattern with a dash in front removes
   * earlier patterns that match the rest.
   */
  readonly sendEnv: readonly string[];
  readonly setEnv: readonly (readonly [name: string, value: string])[];
  /** The value of ForwardAgent. In place of `yes` stands the value of IdentityAgent, where that keyword is set. */
  readonly forwardAgent: string;
  readonly x11: X11Settings | undefined;
}

export interface X11Settings {
  readonly trusted: boolean;
  /** 0 means no limit. */
  readonly timeoutMs: number;
  readonly xauth: string;
}

type Wish = Pick<SshTunnel, "remote" | "terminal" | "keywords">;

/**
 * Undefined when neither a command nor a shell runs. Without words after the host -N is implied, unless -t or an -o
 * asks for a shell or command. A RemoteCommand or RequestTTY in a configuration file does not count here: the
 * file holds for every use of the host, and does not show that this use wants a command. Throws Malformed.
 */
export function readCommand(wish: Wish, keywords: Keywords): CommandSettings | undefined {
  const { remote, terminal } = wish;
  const words = remote.kind === "command" ? remote.words : [];
  const isNone =
    remote.kind === "none" || (keywords.text("SessionType") ?? defaults.sessionType).toLowerCase() === "none";
  if (isNone || (words.length === 0 && !asksForShell(wish))) return undefined;
  const command = words.length > 0 ? words.join(" ") : remoteCommand(keywords);
  if (command?.trim() === "") throw new Malformed("the command is empty");
  return {
    command,
    terminal: terminal ?? terminalIn(keywords),
    readsInput: !keywords.flag("StdinNull", defaults.stdinNull),
    escape: escapeOf(keywords.text("EscapeChar") ?? defaults.escapeCharacter) ?? undefined,
    sendEnv: keywords.all("SendEnv").flatMap((value) => value.split(/\s+/)),
    setEnv: (keywords.list("SetEnv") ?? []).map(variable),
    forwardAgent: agentToForward(keywords),
    x11: x11In(keywords),
  };
}

/**
 * The variables to send to the server: first those of `environment` that SendEnv names, then those of SetEnv. A
 * variable that SetEnv sets is not sent with its value from `environment`.
 */
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
  // ssh sends SetEnv last, because the later of two values wins at the server (clientloop.c, client_session2_setup).
  return [...sent.filter(([name]) => !setEnv.some(([set]) => set === name)), ...setEnv];
}

function terminalIn(keywords: Keywords): CommandSettings["terminal"] {
  const text = (keywords.text("RequestTTY") ?? defaults.requestTty).toLowerCase();
  if (text === "force") return "force";
  return text === "yes" || text === "true" ? "yes" : "no";
}

/**
 * Whether an agent is forwarded and which one are two settings in ssh (readconf.c, oForwardAgent): the first value of
 * all decides on the former, and the first path on the latter, so that -A forwards the agent of a path in a file.
 * IdentityAgent replaces SSH_AUTH_SOCK (ssh.c, main): ForwardAgent yes then forwards that agent, and no agent for `none`.
 */
function agentToForward(keywords: Keywords): string {
  const values = keywords.all("ForwardAgent");
  const [wanted = defaults.forwardAgent] = values;
  if (/^(no|false)$/i.test(wanted)) return wanted;
  const path = values.find((value) => !/^(yes|no|true|false)$/i.test(value));
  return path ?? keywords.text("IdentityAgent") ?? wanted;
}

/** The command that runs when the command line has none: RemoteCommand, or undefined for a shell. */
function remoteCommand(keywords: Keywords): string | undefined {
  const text = keywords.text("RemoteCommand");
  return text?.toLowerCase() === "none" ? undefined : text;
}

function variable(word: string): readonly [name: string, value: string] {
  const equals = word.indexOf("=");
  if (equals < 1) throw new Malformed(`SetEnv: ${quoted(word)} is not NAME=value`);
  return [word.slice(0, equals), word.slice(equals + 1)];
}

function x11In(keywords: Keywords): X11Settings | undefined {
  if (!keywords.flag("ForwardX11", defaults.forwardX11)) return undefined;
  return {
    trusted: keywords.flag("ForwardX11Trusted", defaults.forwardX11Trusted),
    timeoutMs: keywords.time("ForwardX11Timeout") ?? defaults.forwardX11TimeoutMs,
    xauth: keywords.text("XAuthLocation") ?? defaults.xauth,
  };
}
