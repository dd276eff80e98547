/**
 * The view of a finished plan: the picture, the legs, the command with a line for each flag, what the server must
 * allow, warnings, and how to use the forward. Lines fit into the columns; only a flag longer than a line is wider.
 */

import { wrapped } from "../text/wrapped-text.ts";
import { commandNotes } from "../tunnel/command-notes.ts";
import { explainTunnel } from "../tunnel/explanation.ts";
import { picture } from "../tunnel/picture.ts";
import { sshPieces } from "../tunnel/ssh-command.ts";
import type { Place } from "../tunnel/tunnel-description.ts";
import { commandLines, type Piece, pieceLines } from "./command-lines.ts";
import { firstUse } from "./first-use.ts";
import { ownWords, type Plan } from "./plan.ts";

export interface SummaryPart {
  readonly title: string;
  readonly lines: readonly string[];
  /** True for lines that stand at the margin, so that a mouse can copy them. */
  readonly isCommand?: boolean;
}

/** `shown` is the tunnel with the true host in place of an alias of the configuration. */
export function summary(plan: Plan, place: Place, columns: number, shown = plan.description): readonly SummaryPart[] {
  const { description, spec } = plan;
  const { forwards, server, mistakes } = explainTunnel(shown, place);
  const text = (lines: readonly string[]) => lines.flatMap((line) => wrapped(line, columns, "  ", ""));
  const legs = forwards.flatMap((forward) => forward.legs);
  const use = firstUse(plan, place.here);
  const parts: readonly SummaryPart[] = [
    { title: "This is how it goes", lines: picture(shown, spec, place, columns) },
    {
      title: description.via === "ssh" ? "The three legs" : "The two legs (there is no SSH between)",
      lines: text([
        ...legs.map(({ leg, from, to, isEncrypted }) => {
          return `leg ${leg}: ${from} -> ${to}, ${isEncrypted ? "encrypted" : "in clear"}`;
        }),
        ...(description.via === "ssh" ? ['"in clear" is as the programs send it: SSH encrypts leg 2 only'] : []),
      ]),
    },
    ...commandParts(plan, columns),
    { title: "The same by porthop", lines: commandLines("porthop", porthopPieces(plan), columns), isCommand: true },
    {
      title: "What ssh cannot say",
      lines: shown.via === "ssh" ? text(commandNotes(shown, place)) : [],
    },
    { title: "What the server has to allow, in its sshd_config", lines: text(server) },
    {
      title: "Mind",
      // Notes repeat what the questions have said, so only warnings are shown.
      lines: mistakes
        .filter(({ level }) => level === "warning")
        .flatMap(({ text: said, cure }) => [
          ...wrapped(said, columns, "  ", ""),
          ...wrapped(`-> ${cure}`, columns, "     ", "  "),
        ]),
    },
    ...(use === undefined ? [] : [{ title: use.where, lines: use.lines.flatMap((line) => indented(line, columns)) }]),
  ];
  return parts.filter(({ lines }) => lines.length > 0);
}

function commandParts({ description }: Plan, columns: number): readonly SummaryPart[] {
  if (description.via === "nothing") return [];
  const pieces = sshPieces(description);
  return [
    { title: "The ssh command", lines: commandLines("ssh", pieces, columns), isCommand: true },
    { title: "Flag by flag", lines: pieceLines(pieces, columns) },
  ];
}

/** A flag and its value stay together as one piece. */
function porthopPieces(plan: Plan): readonly Piece[] {
  const [, ...words] = ownWords(plan);
  const pieces: string[][] = [];
  for (const word of words) {
    const last = pieces.at(-1);
    const flag = last?.length === 1 ? (last[0] ?? "") : "";
    if (last !== undefined && flag.startsWith("-") && !alone.has(flag)) last.push(word);
    else pieces.push([word]);
  }
  return pieces.map((each) => ({ words: each, about: "" }));
}

/** The flags of a plan that have no value. */
const alone = new Set(["-N", "-f", "-C"]);

/** Continuation lines are indented two columns deeper than the first line. */
function indented(line: string, columns: number): readonly string[] {
  const blanks = /^ */.exec(line)?.[0] ?? "";
  return wrapped(line.trimStart(), columns, `${blanks}  `, blanks);
}
