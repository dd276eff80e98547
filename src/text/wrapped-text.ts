/** Text in lines of at most so many columns, broken at blanks; a word that is longer than a line is cut at its end. */
import { visible } from "./terminal-text.ts";

/** Each line begins with the indent, the first one with `first` in its place. */
export function wrapped(text: string, columns: number, indent = "", first = indent): readonly string[] {
  const words = visible(text).split(/ +/);
  return wrappedWords(words, columns, indent, first).map((each) => visible(each.trimEnd(), columns));
}

/** The same for words that are not cut: one that has no room stays whole. */
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
