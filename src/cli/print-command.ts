/**
 * `porthop command`: the ssh command that does the same, alone on stdout, ready to be pasted; or the same as a Host block,
 * a unit, a line of another program. What cannot be said there goes to stderr, or into the file as comments.
 */

import { Malformed } from "../codec/malformed.ts";
import { powerShellLine, shellLine } from "../codec/words/shell-words.ts";
import { type ConfigSources, realSources } from "../config/file/config-sources.ts";
import { resolved, spelledOut } from "../config/resolved-tunnel.ts";
import { isMissing, type RunFlag } from "../config/run-flags.ts";
import { asUsage } from "../config/usage.ts";
import { PorthopError } from "../errors.ts";
import { visible } from "../text/terminal-text.ts";
import { autosshWords } from "../tunnel/autossh-command.ts";
import { commandNotes, commentLines } from "../tunnel/command-notes.ts";
import { plinkCommand } from "../tunnel/plink-command.ts";
import { porthopWords } from "../tunnel/porthop-command.ts";
import { socatWords } from "../tunnel/socat-command.ts";
import { sshWords } from "../tunnel/ssh-command.ts";
import { sshConfigBlock, tunnelName } from "../tunnel/ssh-config-block.ts";
import { systemdUnit } from "../tunnel/systemd-unit.ts";
import { opensGateway, type Place, type Relay, type SshTunnel } from "../tunnel/tunnel-description.ts";
import { describe } from "./description.ts";
import { Output } from "./output.ts";
import { takeOwnFlags } from "./own-flags.ts";

export const formats = ["ssh", "config", "autossh", "systemd", "plink", "porthop"] as const;
export type Format = (typeof formats)[number];

export const commandFlags: readonly RunFlag[] = [
  { name: "format", value: "FORMAT", about: `${formats.slice(0, -1).join(", ")} or porthop (ssh by default)` },
  { name: "shell", value: "SHELL", about: "posix (sh, bash, zsh ...) or powershell: how the line is quoted" },
  { name: "name", value: "NAME", about: "what the Host block or the unit is called" },
];

const shells = ["posix", "powershell"] as const;

export async function command(words: readonly string[], showHelp: () => void): Promise<number> {
  const { own, help, words: rest } = takeOwnFlags(words, commandFlags);
  if (help) {
    showHelp();
    return 0;
  }
  const format = choice("format", own.get("format") ?? "ssh", formats);
  const shell = choice("shell", own.get("shell") ?? "posix", shells);
  const { description, place } = describe(rest);
  const printed = asUsage("--format chooses another form", () => {
    if (description.via === "nothing") return printRelay(description, format);
    return printTunnel(description, format, own.get("name") ?? tunnelName(description), place);
  });
  const output = new Output("info");
  if ("words" in printed) output.result(shell === "posix" ? shellLine(printed.words) : powerShellLine(printed.words));
  else for (const line of printed.lines) output.result(line);
  const notes = "words" in printed ? [...printed.notes, ...quotesNote(printed.words, shell)] : [];
  for (const line of commentLines(notes)) output.info(line);
  return 0;
}

type Printed =
  | { readonly words: readonly string[]; readonly notes: readonly string[] }
  | { readonly lines: readonly string[] };

function printTunnel(tunnel: SshTunnel, format: Format, name: string, place: Place): Printed {
  const notes = commandNotes(tunnel, place);
  if (format === "ssh") return { words: ["ssh", ...sshWords(tunnel)], notes };
  if (format === "autossh") return { words: autosshWords(tunnel), notes };
  if (format === "porthop") return { words: porthopWords(tunnel), notes: missingNotes(tunnel) };
  if (format === "plink") {
    const plink = plinkCommand(withConfiguration(tunnel, resolved));
    return { words: plink.words, notes: [...plink.notes, ...notes] };
  }
  if (format === "config") {
    const own = withConfiguration(tunnel, (alias, sources) => spelledOut(alias, name, sources));
    return { lines: sshConfigBlock(own, name, [`Then: ssh ${name}`, ...notes]) };
  }
  return { lines: systemdUnit(tunnel, name, notes) };
}

/**
 * An alias of ~/.ssh/config means nothing to plink, nor as the HostName of another Host. Nothing is run to learn what it
 * stands for; where the file cannot be read the words stay as they are.
 */
function withConfiguration(
  tunnel: SshTunnel,
  fill: (tunnel: SshTunnel, sources: ConfigSources) => SshTunnel,
): SshTunnel {
  try {
    return fill(tunnel, { ...realSources(process.env), succeeds: () => false });
  } catch (error) {
    if (error instanceof PorthopError || error instanceof Malformed) return tunnel;
    throw error;
  }
}

function printRelay(relay: Relay, format: Format): Printed {
  if (format === "porthop") return { words: porthopWords(relay), notes: [] };
  const nearest = relay.forwards.map((spec) => shellLine(socatWords(spec, opensGateway(relay))));
  throw new PorthopError("usage", "a relay uses no ssh, and so there is no ssh command for it", {
    hint: `the nearest is: ${nearest.join(" & ")}`,
  });
}

function missingNotes({ flags }: SshTunnel): readonly string[] {
  return flags.flatMap(({ letter }) => (isMissing(letter) ? [`porthop does not have ssh's flag -${letter} yet`] : []));
}

function quotesNote(words: readonly string[], shell: (typeof shells)[number]): readonly string[] {
  if (shell === "posix" || !words.some((word) => word.includes('"'))) return [];
  return ['PowerShell before 7.3 loses the " on the way to a program'];
}

function choice<T extends string>(flag: string, text: string, choices: readonly T[]): T {
  const found = choices.find((each) => each === text);
  if (found !== undefined) return found;
  throw new PorthopError("usage", `--${flag} ${visible(text, 50)}: not one of ${choices.join(", ")}`);
}
