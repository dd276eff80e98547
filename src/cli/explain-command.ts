/**
 * `porthop explain`: says what a command does, in a picture and in words, for people or with --json for
 * scripts. Connects to no server and runs no program. What ssh's configuration adds to the words counts as with
 * `run`, and is listed line by line.
 */
import pc from "picocolors";
import { Malformed } from "../codec/malformed.ts";
import { shellLine } from "../codec/words/shell-words.ts";
import type { ConfiguredLine, ResolvedTunnel } from "../config/resolved-tunnel.ts";
import { visible } from "../text/terminal-text.ts";
import { wrapped } from "../text/wrapped-text.ts";
import { aliasText } from "../tunnel/alias-text.ts";
import { commandNotes, commentLines } from "../tunnel/command-notes.ts";
import { type Explanation, explainTunnel } from "../tunnel/explanation.ts";
import { explanationLines } from "../tunnel/explanation-text.ts";
import { picture } from "../tunnel/picture.ts";
import { sshWords, withOwnDefaults } from "../tunnel/ssh-command.ts";
import type { Place, Relay, SshTunnel, TunnelDescription } from "../tunnel/tunnel-description.ts";
import { tcpdump } from "../tunnel/tunnel-legs.ts";
import { describeWords } from "./described-words.ts";
import { reportFailure } from "./failure-report.ts";
import { Output, wantsColor } from "./output.ts";
import { takeOwnFlags } from "./own-flags.ts";
import { plainJson } from "./plain-json.ts";
import { explainFlags } from "./print-flags.ts";

export async function explain(words: readonly string[], showHelp: () => void): Promise<number> {
  try {
    return explained(words, showHelp);
  } catch (thrown) {
    if (!words.includes("--json")) throw thrown;
    return reportFailure(thrown, true);
  }
}

function explained(words: readonly string[], showHelp: () => void): number {
  const { own, help, words: rest } = takeOwnFlags(words, explainFlags);
  if (help) {
    showHelp();
    return 0;
  }
  const { tunnel, place, mistakes } = describeWords(rest);
  const shown = asShown(tunnel);
  const output = new Output("info");
  const told = explainTunnel(shown.description, place);
  const explanation = { ...told, mistakes: [...mistakes, ...told.mistakes] };
  if (own.has("json")) {
    output.result(plainJson(asJson(explanation, shown, place)));
    return 0;
  }
  const { bold } = pc.createColors(wantsColor(process.stdout));
  for (const line of textLines(explanation, shown, place, columnsHere())) {
    output.result(line === "" || line.startsWith(" ") ? line : bold(line));
  }
  return 0;
}

interface Shown {
  /** The words with all that the configuration files add. */
  readonly description: TunnelDescription;
  /** The command line for ssh; undefined for a relay, and for words that a command line cannot hold. */
  readonly command: string | undefined;
  readonly alias: string | undefined;
  readonly configured: readonly ConfiguredLine[];
  /** Lines of the files that were passed over. */
  readonly skipped: readonly string[];
  readonly trouble: string | undefined;
}

function asShown(tunnel: ResolvedTunnel | Relay): Shown {
  if ("via" in tunnel) {
    return {
      description: tunnel,
      command: undefined,
      alias: undefined,
      configured: [],
      skipped: [],
      trouble: undefined,
    };
  }
  const { said, effective, configured, skipped, trouble } = tunnel;
  return {
    description: effective,
    command: commandLine(withOwnDefaults(said, effective)),
    alias: aliasText(said, effective),
    configured,
    skipped,
    trouble,
  };
}

function textLines(explanation: Explanation, shown: Shown, place: Place, columns: number): readonly string[] {
  const { description, command } = shown;
  // The picture has a margin of two columns.
  const draw = (index: number) => picture(description, description.forwards[index], place, columns - 2);
  const pictures = description.forwards.length === 0 ? [draw(0)] : description.forwards.map((_, index) => draw(index));
  return [
    ...explanationLines(explanation, pictures, columns),
    ...configurationLines(shown, columns),
    ...(command === undefined ? [] : ["", "As a command of ssh", `  ${command}`]),
    ...notes(description, place).map((line) => `  ${line}`),
  ];
}

/** Which settings come from the configuration files, and where they stand. */
function configurationLines({ alias, configured, skipped, trouble }: Shown, columns: number): readonly string[] {
  const lines = [
    ...(trouble === undefined ? [] : [`cannot be read, and is left out: ${trouble}`]),
    ...(alias === undefined ? [] : [`${alias}: leg 2 goes there`]),
    ...configured.map(({ keyword, value, place }) => `${keyword} ${value} (${place})`),
    ...skipped,
  ];
  if (lines.length === 0) return [];
  return ["", "In your ssh configuration", ...lines.flatMap((line) => wrapped(visible(line), columns, "    ", "  "))];
}

function notes(description: TunnelDescription, place: Place): readonly string[] {
  return description.via === "ssh" ? commentLines(commandNotes(description, place)) : [];
}

function commandLine(tunnel: SshTunnel): string | undefined {
  try {
    return shellLine(["ssh", ...sshWords(tunnel)]);
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

function asJson(explanation: Explanation, shown: Shown, place: Place): unknown {
  const { description, command, alias, configured, skipped, trouble } = shown;
  return {
    command,
    notes: description.via === "ssh" ? commandNotes(description, place).map((note) => visible(note)) : [],
    alias,
    configuration: configured.map(({ keyword, value, place: where }) => ({
      keyword,
      value: visible(value),
      place: visible(where),
    })),
    skipped: skipped.map((text) => visible(text)),
    trouble: trouble === undefined ? undefined : visible(trouble),
    ...explanation,
    forwards: explanation.forwards.map((forward) => ({
      ...forward,
      legs: forward.legs.map((leg) => ({ ...leg, tcpdump: tcpdump(leg) })),
    })),
  };
}

/** A window narrower than 40 columns is not written for; wider than 100, lines are hard to read. */
function columnsHere(): number {
  return Math.max(40, Math.min(100, process.stdout.columns || 80));
}
