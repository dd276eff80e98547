/**
 * A command as lines that fit the screen and can still be copied. When the command is too long for one line, a
 * backslash ends each line except the last, and a shell reads the same words. Below the command stands what each flag
 * is for.
 */
import { requireOneLine, shellLine } from "../codec/words/shell-words.ts";
import { wrapped } from "../text/wrapped-text.ts";

export interface Piece {
  readonly words: readonly string[];
  readonly about: string;
}

const indent = "    ";

/** A piece is never split, so a line is wider than the columns only when a single piece is. */
export function commandLines(program: string, pieces: readonly Piece[], columns: number): readonly string[] {
  requireOneLine([program, ...pieces.flatMap(({ words }) => words)]);
  const texts = [program, ...pieces.map(({ words }) => shellLine(words))];
  const whole = texts.join(" ");
  if (whole.length <= columns) return [whole];
  const lines: string[] = [];
  let line = "";
  for (const text of texts) {
    // Two columns are kept for the backslash.
    if (line !== "" && line.length + 1 + text.length > columns - 2) {
      lines.push(`${line} \\`);
      line = `${indent}${text}`;
    } else line = line === "" ? text : `${line} ${text}`;
  }
  return [...lines, line];
}

/** Lines such as `-N  no shell on the server`. When there is not enough room, the explanation stands below the flag. */
export function pieceLines(pieces: readonly Piece[], columns: number): readonly string[] {
  const rows = pieces.map(({ words, about }) => ({ text: shellLine(words), about }));
  const width = Math.max(0, ...rows.map(({ text }) => text.length));
  if (width + 24 <= columns) {
    return rows.flatMap(({ text, about }) => wrapped(about, columns, " ".repeat(width + 2), `${text.padEnd(width)}  `));
  }
  return rows.flatMap(({ text, about }) => [...wrapped(text, columns), ...wrapped(about, columns, indent)]);
}
