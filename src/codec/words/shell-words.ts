/**
 * Words of a command line to text and back: quoted so that a POSIX shell or PowerShell gives exactly these words to the
 * program, and split as a POSIX shell does. Splitting runs nothing and fills nothing in: a text in which a shell would do
 * more than cut words apart is refused with what it would do.
 */

import { quoted } from "../../text/terminal-text.ts";
import { Malformed } from "../malformed.ts";

/** A line for sh, bash, zsh and their like. Whoever shows it calls `requireOneLine` first. */
export function shellLine(words: readonly string[]): string {
  return words.map(quoteForShell).join(" ");
}

export function powerShellLine(words: readonly string[]): string {
  return words.map(quoteForPowerShell).join(" ");
}

/** Nothing that a shell knows stands in it; `~` and a leading `=` (zsh) neither. */
const plainInShell = /^[A-Za-z0-9_/:.,@%+-][A-Za-z0-9_/:.,@%+=-]*$/;

/** Between single quotes a POSIX shell leaves everything alone but the quote itself (POSIX, Shell 2.2.2). */
export function quoteForShell(word: string): string {
  return plainInShell.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** What is no flag, no plain number, no address and no name stands in quotes: `-a.b` would be cut in two, `1kb` counted. */
const plainInPowerShell = /^(?:-[A-Za-z]|[1-9]\d{0,8}|\d{1,5}(?::[A-Za-z0-9.-]+)+|[A-Za-z_/][\w./:@=+-]*)$/;

/**
 * PowerShell takes the typographic single quotes for plain ones, and each doubled one as itself. Before version 7.3 it
 * loses a `"` on the way to a program, whatever is done here.
 */
export function quoteForPowerShell(word: string): string {
  return plainInPowerShell.test(word) ? word : `'${word.replace(/['\u2018\u2019\u201a\u201b]/g, "$&$&")}'`;
}

/**
 * Control characters are refused: a line break makes two lines, a tab asks a terminal for names, and an escape sequence
 * shows another line than the one that is pasted. So are the invisible ones that turn letters around.
 */
export function requireOneLine(words: readonly string[]): readonly string[] {
  const bad = words.find((word) => /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(word));
  if (bad === undefined) return words;
  throw new Malformed(
    `${quoted(bad)} holds a line break or another invisible character, which no pasted line can carry`,
  );
}

/** Longer is no command that somebody pasted. */
const mostCharacters = 100_000;

/** The words of one command. A `#` at the beginning of a word begins a comment, backslash and line break are nothing. */
export function splitShellWords(text: string): readonly string[] {
  if (text.length > mostCharacters) throw new Malformed(`a command of ${text.length} characters is too long to read`);
  if (text.includes("\0")) throw new Malformed("no command holds a NUL character");
  const words: string[] = [];
  let at = skipBlanks(text, 0);
  while (at < text.length) {
    const { word, end } = readWord(text, at, words.at(-1));
    words.push(word);
    at = skipBlanks(text, end);
  }
  return words;
}

/** Where the next word begins. Blank lines around the command are none of it. */
function skipBlanks(text: string, start: number): number {
  let at = start;
  for (;;) {
    if (text.startsWith("\\\n", at)) at += 2;
    else if (text.startsWith("\\\r\n", at)) at += 3;
    else if (/[ \t\r]/.test(text[at] ?? "")) at++;
    else if (text[at] === "#") at = endOfLine(text, at);
    else break;
  }
  if (text[at] !== "\n") return at;
  const isRestBlank = text.slice(at).trim() === "";
  if (start > 0 && !isRestBlank) throw new Malformed("it is more than one line: one command at a time");
  return isRestBlank ? text.length : skipBlanks(text, at + 1);
}

function endOfLine(text: string, start: number): number {
  const end = text.indexOf("\n", start);
  return end === -1 ? text.length : end;
}

interface Read {
  readonly word: string;
  readonly end: number;
}

function readWord(text: string, start: number, before: string | undefined): Read {
  refuseTilde(text, start, before);
  let word = "";
  let at = start;
  while (at < text.length && !/[ \t\r\n]/.test(text[at] ?? "")) {
    const part = readPart(text, at);
    word += part.word;
    at = part.end;
  }
  return { word, end: at };
}

/** One character, an escaped one, or all between two quotes. */
function readPart(text: string, at: number): Read {
  const character = text[at] ?? "";
  if (character === "'") {
    const close = text.indexOf("'", at + 1);
    if (close === -1) throw lacksQuote(text, at);
    return { word: text.slice(at + 1, close), end: close + 1 };
  }
  if (character === '"') return readDoubleQuoted(text, at);
  if (character === "\\") return readEscaped(text, at);
  refuseExpansion(text, at);
  const meaning = operators[character];
  if (meaning !== undefined) throw doesMore(text, at, `it would ${meaning}`);
  return { word: character, end: at + 1 };
}

function readDoubleQuoted(text: string, open: number): Read {
  let word = "";
  let at = open + 1;
  for (; text[at] !== '"'; at++) {
    if (at >= text.length) throw lacksQuote(text, open);
    refuseExpansion(text, at);
    const next = text[at + 1];
    // POSIX, Shell 2.2.3: before anything else the backslash stays.
    if (text[at] === "\\" && next !== undefined && '$`"\\\n'.includes(next)) {
      at++;
      if (next === "\n") continue;
    }
    word += text[at];
  }
  return { word, end: at + 1 };
}

function readEscaped(text: string, at: number): Read {
  const next = text[at + 1];
  if (next === undefined) throw new Malformed("it ends in a backslash that escapes nothing");
  return { word: next === "\n" ? "" : next, end: at + 2 };
}

const operators: Readonly<Record<string, string>> = {
  ";": "run a second command",
  "|": "run a second command",
  "&": "run it in the background, or a second command",
  "<": "take the input from a file",
  ">": "write into a file",
  "(": "run a group of commands",
  ")": "run a group of commands",
};

function refuseExpansion(text: string, at: number): void {
  if (text[at] === "`") throw doesMore(text, at, "it would run what stands between the backquotes");
  if (text[at] !== "$") return;
  // A shell takes backslash and line break away before it looks at anything.
  let after = at + 1;
  while (text.startsWith("\\\n", after)) after += 2;
  const next = text[after] ?? "";
  if (next === "(") throw doesMore(text, at, "it would run what stands in the parentheses");
  if (/[A-Za-z0-9_{@*#?!$'"-]/.test(next)) throw doesMore(text, at, "it would put a value in its place");
}

/** After -i ssh itself puts the home directory in, so that the text may stay as it is. */
function refuseTilde(text: string, at: number, before: string | undefined): void {
  if (text[at] !== "~") return;
  if (text[at + 1] === "/" && before !== undefined && /^-[A-Za-z0-9]*i$/.test(before)) return;
  throw doesMore(text, at, "it would put a home directory in: write the path in full");
}

function doesMore(text: string, at: number, what: string): Malformed {
  const shown = quoted(text.slice(at, at + 20));
  return new Malformed(`${shown} means something to a shell: ${what}; only a plain command is read`);
}

function lacksQuote(text: string, at: number): Malformed {
  return new Malformed(`${quoted(text.slice(at, at + 40))} lacks its closing quote`);
}
