/**
 * `porthop explain`: what a command does, in a picture and in words, for people or with --json for scripts. It connects to
 * nobody and runs nothing; of ssh's configuration it says what the name of the server stands for.
 */
import pc from "picocolors";
import { Malformed } from "../codec/malformed.ts";
import { shellLine } from "../codec/words/shell-words.ts";
import type { RunFlag } from "../config/run-flags.ts";
import { visible } from "../text/terminal-text.ts";
import { wrapped } from "../text/wrapped-text.ts";
import { commandNotes, commentLines } from "../tunnel/command-notes.ts";
import { type Explanation, explain as explainTunnel } from "../tunnel/explanation.ts";
import { explanationLines } from "../tunnel/explanation-text.ts";
import { picture } from "../tunnel/picture.ts";
import { sshWords } from "../tunnel/ssh-command.ts";
import type { Place, TunnelDescription } from "../tunnel/tunnel-description.ts";
import { tcpdump } from "../tunnel/tunnel-legs.ts";
import { aliasOf } from "./alias.ts";
import { describe } from "./description.ts";
import { Output } from "./output.ts";
import { takeOwnFlags } from "./own-flags.ts";

export const explainFlags: readonly RunFlag[] = [{ name: "json", about: "one JSON object instead of text" }];

export async function explain(words: readonly string[], showHelp: () => void): Promise<number> {
  const { own, help, words: rest } = takeOwnFlags(words, explainFlags);
  if (help) {
    showHelp();
    return 0;
  }
  const { description, place, mistakes } = describe(rest);
  const output = new Output("info");
  const told = explainTunnel(description, place);
  const explanation = { ...told, mistakes: [...mistakes, ...told.mistakes] };
  if (own.has("json")) {
    output.result(JSON.stringify(asJson(explanation, description, place)));
    return 0;
  }
  const { bold } = pc.createColors(wantsColor());
  for (const line of textLines(explanation, description, place, columnsHere())) {
    output.result(line === "" || line.startsWith(" ") ? line : bold(line));
  }
  return 0;
}

function textLines(
  explanation: Explanation,
  description: TunnelDescription,
  place: Place,
  columns: number,
): readonly string[] {
  // Two columns are for the margin.
  const draw = (index: number) => picture(description, description.forwards[index], place, columns - 2);
  const pictures = description.forwards.length === 0 ? [draw(0)] : description.forwards.map((_, index) => draw(index));
  const command = commandLine(description);
  return [
    ...explanationLines(explanation, pictures, columns),
    ...aliasLines(description, columns),
    ...(command === undefined ? [] : ["", "As a command of ssh", `  ${command}`]),
    ...notes(description, place).map((line) => `  ${line}`),
  ];
}

/** The command goes where the file says, whatever the name looks like. */
function aliasLines(description: TunnelDescription, columns: number): readonly string[] {
  const alias = aliasOf(description);
  if (alias === undefined) return [];
  return ["", "In your ssh configuration", ...wrapped(`${alias}: leg 2 goes there`, columns, "    ", "  ")];
}

function notes(description: TunnelDescription, place: Place): readonly string[] {
  return description.via === "ssh" ? commentLines(commandNotes(description, place)) : [];
}

/** Undefined where there is none: a relay, or a word that no line can carry. */
function commandLine(description: TunnelDescription): string | undefined {
  if (description.via === "nothing") return undefined;
  try {
    return shellLine(["ssh", ...sshWords(description)]);
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

function asJson(explanation: Explanation, description: TunnelDescription, place: Place): unknown {
  return {
    command: commandLine(description),
    notes: description.via === "ssh" ? commandNotes(description, place).map((note) => visible(note)) : [],
    alias: aliasOf(description),
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

function wantsColor(): boolean {
  const { NO_COLOR, TERM } = process.env;
  return process.stdout.isTTY === true && (NO_COLOR ?? "") === "" && TERM !== "dumb";
}
