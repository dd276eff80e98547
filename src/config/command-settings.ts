/**
 * The words of a remote command and what goes with it: terminal, stdin, environment, agent and X11. As in ssh a flag is
 * stronger than its keyword, and of two opposite flags the last one counts (ssh.c, main).
 */

import { matchesPattern } from "../codec/host-pattern.ts";
import { Malformed } from "../codec/malformed.ts";
import { escapeOf } from "../codec/session/escape-character.ts";
import { quoted } from "../text/terminal-text.ts";
import { hasRemoteCommand, type SshTunnel } from "../tunnel/tunnel-description.ts";
import { defaults } from "./defaults.ts";
import type { Keywords } from "./file/keyword.ts";

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
  readonly forwardAgent: string;
  readonly x11: X11Settings | undefined;
}

export interface X11Settings {
  readonly trusted: boolean;
  /** 0 for ever. */
  readonly timeoutMs: number;
  readonly xauth: string;
}

type Wish = Pick<SshTunnel, "remote" | "terminal" | "keywords">;

/**
 * Undefined when nothing is to run: without words after the host -N is implied, unless -t asks for a shell or an -o for a
 * RemoteCommand. What a configuration file says of either is for all that runs on the host, and no wish to run something.
 */
export function readCommand({ remote, terminal, ...said }: Wish, keywords: Keywords): CommandSettings | undefined {
  const words = remote.kind === "command" ? remote.words : [];
  const isNone =
    remote.kind === "none" || (keywords.text("SessionType") ?? defaults.sessionType).toLowerCase() === "none";
  const isWished = terminal === "yes" || terminal === "force" || hasRemoteCommand(said);
  if (isNone || (words.length === 0 && !isWished)) return undefined;
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

function terminalIn(keywords: Keywords): CommandSettings["terminal"] {
  const text = (keywords.text("RequestTTY") ?? defaults.requestTty).toLowerCase();
  if (text === "force") return "force";
  return text === "yes" || text === "true" ? "yes" : "no";
}

/** ssh.c, main: IdentityAgent takes the place of SSH_AUTH_SOCK, so that "yes" is that agent, and none with "none". */
function agentToForward(keywords: Keywords): string {
  const wanted = keywords.text("ForwardAgent") ?? defaults.forwardAgent;
  return /^(yes|true)$/i.test(wanted) ? (keywords.text("IdentityAgent") ?? wanted) : wanted;
}

/** RemoteCommand stands in for the shell; a command of the command line is stronger. */
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
