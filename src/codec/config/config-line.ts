/**
 * One line of ssh_config cut as OpenSSH cuts it: the keyword as strdelim (misc.c) does,
 * the arguments as argv_split does, with single and double quotes, backslashes and a
 * comment at the end. The meaning of a keyword is not known here.
 */

import { quoted } from "../../text/terminal-text.ts";
import { Malformed } from "../malformed.ts";

export interface ConfigLine {
  /** As it was written. */
  readonly keyword: string;
  readonly arguments: readonly string[];
  /**
   * The unchanged text after the keyword, with quotes and comment:
   * commands and Match cut this text in ways of their own.
   */
  readonly rest: string;
}

/** Undefined for an empty line and a comment. */
export function parseConfigLine(line: string): ConfigLine | undefined {
  const first = takeToken(endTrimmed(line));
  // Like strdelim, takeToken gives an empty token for blanks, or even a "=", before the keyword.
  const { token: keyword, rest } = first.token === "" ? takeToken(first.rest) : first;
  if (keyword === "" || keyword.startsWith("#")) return undefined;
  const value = withoutBlanks(rest);
  if (value === "") throw new Malformed(`${quoted(keyword)} has no value`);
  return { keyword, arguments: splitArguments(value), rest: value };
}

/** Words in quotes may hold blanks; outside of them a # at the beginning of a word ends the line. */
export function splitArguments(text: string): readonly string[] {
  const words: string[] = [];
  let at = 0;
  while (at < text.length) {
    if (isBlank(text[at])) {
      at++;
      continue;
    }
    if (text[at] === "#") break;
    const { word, end } = takeWord(text, at);
    words.push(word);
    at = end;
  }
  return words;
}

/** Quotes a word, so that splitArguments reads the text as this one word. */
export function quoteArgument(word: string): string {
  if (word !== "" && !/[ \t"'\\#]/.test(word)) return word;
  return `"${word.replace(/["'\\]/g, "\\$&")}"`;
}

export interface Token {
  readonly token: string;
  /** The text after the token and the blanks that follow the token. */
  readonly rest: string;
}

/**
 * The next token as strdelim cuts it: up to a blank, a double quote or one "=". Also as in strdelim, a double quote,
 * even in the middle of the token, takes all text up to the next double quote, and a backslash escapes nothing.
 */
export function takeToken(text: string): Token {
  const delimiter = /[ \t\r\n"=]/.exec(text);
  if (delimiter === null) return { token: text, rest: "" };
  const { index } = delimiter;
  const before = text.slice(0, index);
  if (delimiter[0] === '"') {
    const close = text.indexOf('"', index + 1);
    if (close === -1) throw new Malformed(`${quoted(text)} lacks its closing quote`);
    return { token: before + text.slice(index + 1, close), rest: withoutBlanks(text.slice(close + 1)) };
  }
  const rest = withoutBlanks(text.slice(index + 1));
  const skipsEquals = delimiter[0] !== "=" && rest.startsWith("=");
  return { token: before, rest: skipsEquals ? withoutBlanks(rest.slice(1)) : rest };
}

function takeWord(text: string, start: number): { word: string; end: number } {
  let word = "";
  let quote: string | undefined;
  let at = start;
  for (; at < text.length; at++) {
    const sign = text[at] ?? "";
    const next = text[at + 1];
    if (sign === "\\" && (next === '"' || next === "'" || next === "\\" || (quote === undefined && next === " "))) {
      word += next;
      at++;
    } else if (quote === undefined && isBlank(sign)) break;
    else if (quote === undefined && (sign === '"' || sign === "'")) quote = sign;
    else if (sign === quote) quote = undefined;
    else word += sign;
  }
  if (quote !== undefined) throw new Malformed(`${quoted(text.slice(start))} lacks its closing quote`);
  return { word, end: at };
}

function isBlank(sign: string | undefined): boolean {
  return sign === " " || sign === "\t";
}

/**
 * Drops blanks at the end. As in readconf.c, a form feed is a blank only here, and the first character always stays.
 */
function endTrimmed(line: string): string {
  let end = line.length;
  while (end > 1 && " \t\r\n\f".includes(line[end - 1] ?? "")) end--;
  return line.slice(0, end);
}

function withoutBlanks(text: string): string {
  let at = 0;
  while (at < text.length && " \t\r\n".includes(text[at] ?? "")) at++;
  return text.slice(at);
}
