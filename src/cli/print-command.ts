/**
 * `porthop command`: prints the equivalent ssh command, alone on stdout and ready to be pasted, or a
 * Host block, a systemd unit, or the command line of another program. What these cannot say goes to
 * stderr, or into the file as comments.
 */

import { powerShellLine, shellLine } from "../codec/words/shell-words.ts";
import { defaults } from "../config/defaults.ts";
import { realSources } from "../config/file/config-sources.ts";
import { lackText } from "../config/file/config-value.ts";
import { findOther } from "../config/file/other-keywords.ts";
import { type ResolvedTunnel, spelledOut } from "../config/resolved-tunnel.ts";
import { refuseIdle, refuseUnsupported } from "../config/unsupported.ts";
import { asUsage } from "../config/usage.ts";
import { PorthopError } from "../errors.ts";
import { visible } from "../text/terminal-text.ts";
import { autosshWords } from "../tunnel/autossh-command.ts";
import { commandNotes, commentLines, type Restarter } from "../tunnel/command-notes.ts";
import { plinkCommand } from "../tunnel/plink-command.ts";
import { porthopWords } from "../tunnel/porthop-command.ts";
import { socatWords } from "../tunnel/socat-command.ts";
import { sshWords, withOwnDefaults } from "../tunnel/ssh-command.ts";
import { sshConfigBlock, tunnelName } from "../tunnel/ssh-config-block.ts";
import { systemdUnit } from "../tunnel/systemd-unit.ts";
import { opensGateway, type Place, type Relay, type SshTunnel } from "../tunnel/tunnel-description.ts";
import { describeWords } from "./described-words.ts";
import { reportFailure } from "./failure-report.ts";
import { Output } from "./output.ts";
import { takeOwnFlags } from "./own-flags.ts";
import { plainJson } from "./plain-json.ts";
import { commandFlags, formats } from "./print-flags.ts";

export type Format = (typeof formats)[number];

const shells = ["posix", "powershell"] as const;

export async function command(words: readonly string[], showHelp: () => void): Promise<number> {
  try {
    return print(words, showHelp);
  } catch (thrown) {
    if (!words.includes("--json")) throw thrown;
    return reportFailure(thrown, true);
  }
}

function print(words: readonly string[], showHelp: () => void): number {
  const { own, help, words: rest } = takeOwnFlags(words, commandFlags);
  if (help) {
    showHelp();
    return 0;
  }
  const format = choice("format", own.get("format") ?? defaults.printedFormat, formats);
  const shell = choice("shell", own.get("shell") ?? defaults.shell, shells);
  const { tunnel, place } = describeWords(rest);
  const printed = asUsage("--format chooses another form", () => {
    if ("via" in tunnel) return printRelay(tunnel, format);
    return printTunnel(tunnel, format, own.get("name") ?? tunnelName(tunnel.said), place);
  });
  const output = new Output("info");
  const lines =
    "lines" in printed ? printed.lines : [shell === "posix" ? shellLine(printed.words) : powerShellLine(printed.words)];
  const notes = "words" in printed ? [...printed.notes, ...quotesNote(printed.words, shell)] : [];
  if (own.has("json")) {
    output.result(plainJson({ format, ...asJson(printed, lines), notes: notes.map((note) => visible(note)) }));
    return 0;
  }
  for (const line of lines) output.result(line);
  for (const line of commentLines(notes)) output.info(line);
  return 0;
}

/** A command as its words and as the line for the shell, a file as its lines. */
function asJson(printed: Printed, lines: readonly string[]): object {
  return "words" in printed ? { command: lines[0], words: printed.words } : { lines };
}

type Printed =
  | { readonly words: readonly string[]; readonly notes: readonly string[] }
  | { readonly lines: readonly string[] };

/**
 * ssh, and a program that starts ssh, reads the configuration files itself. plink does not know an alias of
 * ~/.ssh/config, and an alias means nothing as the HostName of another Host. For these two everything is spelled out.
 */
function printTunnel(tunnel: ResolvedTunnel, format: Format, name: string, place: Place): Printed {
  const { said, effective } = tunnel;
  const plainNotes = [...troubleNotes(tunnel), ...commandNotes(effective, place, restarterOf(format))];
  const notes = [...unknownNotes(tunnel), ...plainNotes];
  if (format === "ssh") return { words: ["ssh", ...sshWords(withOwnDefaults(said, effective))], notes };
  if (format === "autossh") return { words: autosshWords(said, effective), notes };
  if (format === "porthop") {
    // A command of porthop must be one that porthop can run.
    refuseUnsupported(said);
    refuseIdle(tunnel.settings);
    return { words: porthopWords(said), notes: troubleNotes(tunnel) };
  }
  if (format === "plink") {
    const plink = plinkCommand(effective);
    return { words: plink.words, notes: [...plink.notes, ...plainNotes] };
  }
  if (format === "config") {
    const own = tunnel.trouble === undefined ? spelledOut(said, name, realSources(process.env)) : said;
    const unknown = warningsOfFiles(tunnel);
    const block = withOwnDefaults(own, effective);
    return { lines: sshConfigBlock(block, name, [`Then: ssh ${name}`, ...notes, ...unknown]) };
  }
  return { lines: systemdUnit(said, name, [...notes, ...relativeNotes(said)], effective) };
}

function restarterOf(format: Format): Restarter | undefined {
  return format === "autossh" || format === "systemd" ? format : undefined;
}

function printRelay(relay: Relay, format: Format): Printed {
  if (format === "porthop") return { words: porthopWords(relay), notes: [] };
  const nearest = relay.forwards.map((spec) => shellLine(socatWords(spec, opensGateway(relay))));
  throw new PorthopError("usage", "a relay uses no ssh, and so there is no ssh command for it", {
    hint: `the nearest is: ${nearest.join(" & ")}`,
  });
}

function troubleNotes({ trouble, skipped }: ResolvedTunnel): readonly string[] {
  if (trouble !== undefined) return [`the ssh configuration is left out, for it cannot be read: ${trouble}`];
  return skipped;
}

function unknownNotes({ settings: { keywords } }: ResolvedTunnel): readonly string[] {
  return keywords.unknownTyped.map((text) => `${text}: most versions of ssh refuse the line for it`);
}

/** Without those about what porthop lacks: ssh has it, and the block says it. */
function warningsOfFiles({ skipped, settings: { keywords } }: ResolvedTunnel): readonly string[] {
  const lacks = keywords.otherLines.flatMap(({ name }) => findOther(name) ?? []).map(lackText);
  return keywords.warnings.filter((text) => !skipped.includes(text) && !lacks.some((lack) => text.endsWith(lack)));
}

/** A unit starts in a folder of its own. */
function relativeNotes({ configFile, identities }: SshTunnel): readonly string[] {
  const isRelative = (file: string) => !/^[/~%]/.test(file) && file.toLowerCase() !== "none";
  const flagged = identities.flatMap(({ file, by }) => (by === "flag" ? [`-i ${file}`] : []));
  const named = [...(configFile === undefined ? [] : [`-F ${configFile}`]), ...flagged];
  return named
    .filter((text) => isRelative(text.slice(3)))
    .map((text) => `${text}: write the whole path, for a unit does not start in this folder`);
}

function quotesNote(words: readonly string[], shell: (typeof shells)[number]): readonly string[] {
  if (shell === "posix" || !words.some((word) => word.includes('"'))) return [];
  return ['PowerShell before 7.3 loses the " on the way to a program'];
}

function choice<T extends string>(flag: string, text: string, choices: readonly T[]): T {
  const found = choices.find((each) => each === text);
  if (found !== undefined) return found;
  throw new PorthopError("usage", `--${flag} ${visible(text, 50)}: not one of ${choices.join(", ")}`, {
    hint: "porthop command --help shows the flags",
  });
}
