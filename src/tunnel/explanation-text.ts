/**
 * An explanation as lines for a terminal: headings at the margin, everything else indented below. No line is longer
 * than `columns`, except for a command with long names.
 */

import { wrapped } from "../text/wrapped-text.ts";
import { type Explanation, type ForwardExplanation, printEffective } from "./explanation.ts";
import type { Mistake } from "./mistakes.ts";
import { type PlannedLeg, tcpdump } from "./tunnel-legs.ts";

/** `pictures` has the lines of each forward's picture. */
export function explanationLines(
  { forwards, endings, server, mistakes }: Explanation,
  pictures: readonly (readonly string[])[],
  columns = 80,
): readonly string[] {
  const parts = [
    ...forwards.map((forward, index) => [...forwardLines(forward, pictures[index] ?? [], columns)]),
    ...(forwards.length === 0 ? [["Nothing is forwarded", "", ...indented(pictures[0] ?? [])]] : []),
    list("What ends when", endings, columns),
    list("What the server has to allow", server, columns),
    mistakes.length === 0 ? [] : ["Look at", ...mistakes.flatMap((mistake) => mistakeLines(mistake, columns))],
  ];
  return parts.filter((part) => part.length > 0).flatMap((part, index) => (index === 0 ? part : ["", ...part]));
}

function forwardLines(forward: ForwardExplanation, drawn: readonly string[], columns: number): readonly string[] {
  return [
    ...wrapped(`${forward.id}: ${forward.written}`, columns),
    "",
    ...indented(drawn),
    "",
    ...wrapped(forward.does, columns, "  "),
    ...wrapped(forward.view, columns, "  "),
    "",
    ...wrapped(`Effective connection: ${printEffective(forward.effective)}`, columns, "    ", "  "),
    ...wrapped(`Who may use it: ${forward.who}`, columns, "    ", "  "),
    "",
    ...forward.legs.flatMap((leg) => legLines(leg, columns)),
  ];
}

/** The command is never broken, because users copy it. With long names the command can be longer than `columns`. */
function legLines(leg: PlannedLeg, columns: number): readonly string[] {
  const how = leg.isEncrypted ? "encrypted" : "in clear";
  const first = wrapped(`leg ${leg.leg}: ${leg.from} -> ${leg.to}, ${how}`, columns, "         ", "  ");
  const command = tcpdump(leg);
  if (command === undefined) return [...first, "         no packets to see there"];
  const line = `         on ${leg.machine}: ${command}`;
  if (line.length <= columns) return [...first, line];
  return [...first, ...wrapped(`on ${leg.machine}:`, columns, "         "), `           ${command}`];
}

function mistakeLines({ level, forward, text, cure }: Mistake, columns: number): readonly string[] {
  const about = forward === undefined ? "" : ` ${forward}:`;
  return [
    ...wrapped(`${level}:${about} ${text}`, columns, "    ", "  "),
    ...wrapped(`-> ${cure}`, columns, "       ", "    "),
  ];
}

function list(title: string, items: readonly string[], columns: number): readonly string[] {
  return items.length === 0 ? [] : [title, ...items.flatMap((item) => wrapped(item, columns, "    ", "  "))];
}

function indented(lines: readonly string[]): readonly string[] {
  return lines.map((line) => `  ${line}`);
}
