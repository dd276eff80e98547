/**
 * A tunnel as a Host block of ssh_config: `ssh NAME` then does what the command did. Values are quoted for OpenSSH's
 * argv_split (misc.c), and a percent sign is doubled in the values in which ssh expands tokens.
 */

import { isUnix } from "../codec/address.ts";
import { Malformed } from "../codec/malformed.ts";
import { type ForwardSpec, printForwardSpec } from "../codec/words/forward-spec.ts";
import { requireOneLine } from "../codec/words/shell-words.ts";
import { quoted } from "../text/terminal-text.ts";
import { commentLines } from "./command-notes.ts";
import { printJumps } from "./ssh-command.ts";
import { flagKeywords } from "./ssh-flags.ts";
import { type KeywordLine, keywordText, type SshTunnel, sshKeywords } from "./tunnel-description.ts";

/**
 * The default name of the block. It is not the host's own name, because each `ssh host` would then open the forwards.
 */
export function tunnelName({ host }: SshTunnel): string {
  return `${host.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^-+|-+$/g, "") || "host"}-tunnel`;
}

/**
 * Lines without line breaks. `notes` become comments above the block. Throws Malformed for what ssh_config cannot say.
 */
export function sshConfigBlock(tunnel: SshTunnel, name: string, notes: readonly string[] = []): readonly string[] {
  if (!/^[A-Za-z0-9._-]+$/.test(name) || name.startsWith("-")) {
    throw new Malformed(`"${name}" is no name for a Host: letters, digits, dots, dashes and underscores`);
  }
  const lines = [...route(tunnel), ...session(tunnel), ...tunnel.forwards.map(forwardLine)];
  return [...commentLines(notes), `Host ${name}`, ...requireOneLine(lines.map(printLine)).map((line) => `    ${line}`)];
}

function route(tunnel: SshTunnel): readonly KeywordLine[] {
  const { host, user, port, jumps, identities } = tunnel;
  return [
    tunnel.keywords.find(isHostName) ?? line("HostName", argument(host.replaceAll("%", "%%"))),
    ...(user === undefined ? [] : [line("User", argument(user.replaceAll("%", "%%")))]),
    ...(port === undefined ? [] : [line("Port", String(port))]),
    ...(jumps === undefined ? [] : [line("ProxyJump", printJumps(jumps))]),
    ...identities.map(({ file, by }) => line("IdentityFile", by === "flag" ? argument(file) : file)),
  ];
}

/** Flags first: on a command line a flag counts more than -o, and in ssh_config the first of two lines counts. */
function session(tunnel: SshTunnel): readonly KeywordLine[] {
  const { flags, keywords, terminal, remote } = tunnel;
  const flagLines = flagKeywords(flags).map(({ name, value }) => line(name, argument(value)));
  // -N counts more than a SessionType of -o, and unlike that keyword takes the terminal away (ssh.c, main).
  const isNone = remote.kind === "none" && keywordText(tunnel, "SessionType")?.toLowerCase() !== "none";
  // What runs has a line of its own, and ssh takes the first of two.
  const other = isNone ? "SessionType" : remote.kind === "command" ? "RemoteCommand" : undefined;
  const isElsewhere = (each: KeywordLine) => isHostName(each) || each.name === other;
  const all = [...flagLines, ...sshKeywords(keywords).filter((each) => !isElsewhere(each))];
  const tty = terminal ?? (isNone ? "no" : undefined);
  return [
    ...(isNone ? [line("SessionType", "none")] : []),
    ...(tty === undefined ? [] : [line("RequestTTY", tty)]),
    ...all,
    ...(remote.kind === "command" ? [line("RemoteCommand", remoteCommand(remote.words))] : []),
  ];
}

/** ssh takes the rest of the line unchanged as the command, but refuses a quote that is not closed (readconf.c). */
function remoteCommand(words: readonly string[]): string {
  const command = words.join(" ");
  if (!/^(?:[^"'\\]|\\.|\\$|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*$/s.test(command)) {
    throw new Malformed(`ssh_config cannot hold a command with a quote that is not closed: ${quoted(command)}`);
  }
  return command.replaceAll("%", "%%");
}

function forwardLine(spec: ForwardSpec): KeywordLine {
  if (spec.kind === "stdio") throw new Malformed("ssh_config has no word for -W: it is only said on the command line");
  const { listen, connect } = sidesOf(spec);
  if (connect === undefined)
    return line(spec.kind === "dynamic" ? "DynamicForward" : "RemoteForward", argument(listen));
  return line(spec.kind === "local" ? "LocalForward" : "RemoteForward", `${argument(listen)} ${argument(connect)}`);
}

type TwoSided = Exclude<ForwardSpec, { kind: "stdio" }>;

function sidesOf(spec: TwoSided): { listen: string; connect: string | undefined } {
  const { listen, connect } = spec;
  return (
    writtenSides(spec) ?? {
      listen: printForwardSpec({ kind: "dynamic", listen, connect: undefined }),
      connect: connect && printForwardSpec({ kind: "stdio", listen: undefined, connect }),
    }
  );
}

/**
 * Cuts a text with variables in two, behind the listen address where it can be told. Any colon would do: ssh puts one
 * between the two before it reads them (readconf.c). Undefined when there is no such text, or no colon.
 */
function writtenSides({ written, listen, connect }: TwoSided): ReturnType<typeof sidesOf> | undefined {
  if (written === undefined) return undefined;
  if (connect === undefined) return { listen: written, connect };
  const fields = written.split(/:(?![^[]*\])/);
  const first = "path" in listen || listen.bind === undefined ? 1 : 2;
  const cut = fields.length === first + (isUnix(connect) ? 1 : 2) ? first : 1;
  const sides = { listen: fields.slice(0, cut).join(":"), connect: fields.slice(cut).join(":") };
  return sides.listen === "" || sides.connect === "" ? undefined : sides;
}

function isHostName({ name }: KeywordLine): boolean {
  return name.toLowerCase() === "hostname";
}

function line(name: string, value: string): KeywordLine {
  return { name, value };
}

/** ssh skips one equals sign after the keyword: a value that begins with one gets a second one in front. */
function printLine({ name, value }: KeywordLine): string {
  return value.startsWith("=") ? `${name}=${value}` : `${name} ${value}`;
}

/** Quotes one argument. Between double quotes, a backslash escapes only quotes and backslashes (misc.c, argv_split). */
function argument(text: string): string {
  if (/^[A-Za-z0-9_/:.,@%+*~[\]$-][A-Za-z0-9_/:.,@%+*~[\]$=-]*$/.test(text)) return text;
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
