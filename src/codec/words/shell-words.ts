/**
 * Quotes words, so that a POSIX shell or PowerShell passes exactly these words to a program, and splits a text into
 * words as a POSIX shell does. Splitting runs nothing and expands nothing: a text with which a shell would do more than
 * split is refused, and the message says what the shell would do.
 */

import { quoted } from "../../text/terminal-text.ts";
import { Malformed } from "../malformed.ts";

/** A line for sh, bash, zsh and similar shells. Before it shows the line, the caller calls `requireOneLine`. */
export function shellLine(words: readonly string[]): string {
  return words.map(quoteForShell).join(" ");
}

export function powerShellLine(words: readonly string[]): string {
  return words.map(quoteForPowerShell).join(" ");
}

/** A word without a character that means something to a shell, without `~`, and without a leading `=` (zsh). */
const plainInShell = /^[A-Za-z0-9_/:.,@%+-][A-Za-z0-9_/:.,@%+=-]*$/;

/** Between single quotes every character except the single quote is literal in a POSIX shell (POSIX, Shell 2.2.2). */
export function quoteForShell(word: string): string {
  return plainInShell.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * Flags, plain numbers, addresses and names need no quotes. PowerShell would cut `-a.b` in two and read `1kb` as 1024.
 */
const plainInPowerShell = /^(?:-[A-Za-z]|[1-9]\d{0,8}|\d{1,5}(?::[A-Za-z0-9.-]+)+|[A-Za-z_/][\w./:@=+-]*)$/;

/**
 * PowerShell reads typographic single quotes as plain ones, and a doubled quote as one literal quote. PowerShell before
 * 7.3 loses a `"` on the way to a program, and no quoting can prevent that.
 */
export function quoteForPowerShell(word: string): string {
  return plainInPowerShell.test(word) ? word : `'${word.replace(/['\u2018\u2019\u201a\u201b]/g, "$&$&")}'`;
}

/**
 * Refuses control characters: a line break makes two lines, a tab makes a shell complete a name, and an escape sequence
 * makes a terminal show another line than the pasted one. Refuses invisible characters too, because some of them
 * reverse the order of the letters shown. Returns `words`, or throws Malformed.
 */
export function requireOneLine(words: readonly string[]): readonly string[] {
  const bad = words.find((word) => /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(word));
  if (bad === undefined) return words;
  throw new Malformed(
    `${quoted(bad)} holds a line break or another invisible character, which no pasted line can carry`,
  );
}

/** No pasted command is longer. */
const mostCharacters = 100_000;

/**
 * The words of one command. A `#` at the beginning of a word begins a comment, and a backslash with a line break after
 * it joins two lines. Throws Malformed.
 */
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

/** The index at which the next word begins. Blank lines before and after the command are skipped. */
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

/** Reads one character, one escaped character, or all text between two quotes. */
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
    // POSIX, Shell 2.2.3: before any other character the backslash is literal.
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
  // A shell removes each backslash with a line break before it looks at other characters.
  let after = at + 1;
  while (text.startsWith("\\\n", after)) after += 2;
  const next = text[after] ?? "";
  if (next === "(") throw doesMore(text, at, "it would run what stands in the parentheses");
  if (/[A-Za-z0-9_{@*#?!$'"-]/.test(next)) throw doesMore(text, at, "it would put a value in its place");
}

/** After -i, `~/` may stay: ssh itself puts the home directory in its place. */
function refuseTilde(text: string, at: number, before: string | undefined): void {
  if (text[at] !== "~") return;
  if (text[at + 1] === "/" && before !== undefined && /^-[A-Za-z0-9]*i$/.test(before)) return;
  throw doesMore(text, at, "it would put a home directory in: write the path in full");
}

/** A variable alone, or in its braces: what stands behind it does nothing more. */
const variable = /^\$(?:\{[^}]*\}|[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?!$-])/;

function doesMore(text: string, at: number, what: string): Malformed {
  const shown = quoted(variable.exec(text.slice(at, at + 60))?.[0] ?? text.slice(at, at + 20));
  return new Malformed(`${shown} means something to a shell: ${what}; only a plain command is read`);
}

function lacksQuote(text: string, at: number): Malformed {
  return new Malformed(`${quoted(text.slice(at, at + 40))} lacks its closing quote`);
}
