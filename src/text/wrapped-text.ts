/**
 * Breaks text into lines of at most `columns` columns, at blanks. A word that is longer than a line is cut at its end.
 */
import { visible } from "./terminal-text.ts";

/** The first line begins with `first`, each other line with `indent`. */
export function wrapped(text: string, columns: number, indent = "", first = indent): readonly string[] {
  const words = visible(text).split(/ +/);
  return wrappedWords(words, columns, indent, first).map((each) => visible(each.trimEnd(), columns));
}

/** Breaks a list of words into lines, and never cuts a word: a word that is longer than a line stays whole. */
export function wrappedWords(
  words: readonly string[],
  columns: number,
  indent: string,
  first: string,
): readonly string[] {
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of words) {
    if (!isEmpty && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = indent;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line];
}
