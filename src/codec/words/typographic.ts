/**
 * What web pages and word processors make of a command: dashes, quotes and blanks that look like those of a keyboard and
 * mean nothing to ssh or a shell. `–N` would be the name of a host.
 */

import { quoted } from "../../text/terminal-text.ts";
import { Malformed } from "../malformed.ts";

const dash = /^[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]/u;
const quotes = /^[\u2018-\u201f]|[\u2018-\u201f]$/u;
const blanks = /(?! )\p{Zs}/u;
const outerBlanks = /^(?! )\p{Zs}|(?! )\p{Zs}$/u;

/** `isFree` text may hold any blank inside: the name of a file. */
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
