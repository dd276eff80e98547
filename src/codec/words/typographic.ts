/**
 * Refuses the typographic dashes, quotes and blanks that web pages and word processors put into a command. They look
 * like those of a keyboard, but mean nothing to ssh or a shell: `–N` would be the name of a host.
 */

import { quoted } from "../../text/terminal-text.ts";
import { Malformed } from "../malformed.ts";

const dash = /^[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]/u;
const quotes = /^[\u2018-\u201f]|[\u2018-\u201f]$/u;
const blanks = /(?! )\p{Zs}/u;
const outerBlanks = /^(?! )\p{Zs}|(?! )\p{Zs}$/u;

/** Throws Malformed. With `isFree`, as for the name of a file, any blank may stand inside the word. */
export function refuseTypography(word: string, isFree = false): void {
  refuseTypographicDash(word);
  const mark = quotes.exec(word)?.[0];
  if (mark !== undefined) throw looksLike(word, mark, `a quote`);
  const blank = (isFree ? outerBlanks : blanks).exec(word)?.[0];
  if (blank !== undefined) throw looksLike(word, blank, "a blank");
}

export function refuseTypographicDash(word: string): void {
  const found = dash.exec(word)?.[0];
  if (found !== undefined) throw looksLike(word, found, 'a "-"');
}

function looksLike(word: string, character: string, what: string): Malformed {
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return new Malformed(`${quoted(word)} has a character (U+${code}) that looks like ${what} and is none: type it anew`);
}
