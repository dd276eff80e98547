/**
 * Cuts command-line words into flags, destination and command in ssh's way (ssh.c, main: getopt, the host, getopt once
 * more, then the command). Values stay text: `-l 007` is the user `007`.
 */

import { didYouMean } from "../../text/nearest.ts";
import { quoted, visible } from "../../text/terminal-text.ts";
import { Malformed } from "../malformed.ts";

export type Takes = "value" | "nothing";

/** Which flags there are: short ones by their letter (`L`), long ones by their name without dashes (`capture`). */
export interface FlagTable {
  readonly short: Readonly<Record<string, Takes>>;
  readonly long: Readonly<Record<string, Takes>>;
}

export interface ScannedFlag {
  /** `L` or `capture`. */
  readonly flag: string;
  readonly value: string | undefined;
  /**
   * As the user wrote it, for messages: `-L8443:host:443`, `-L 8443:host:443`, `--capture=out.pcap`; `-N` from `-fN`.
   */
  readonly text: string;
}

export interface ScannedArgv {
  /** In the order given, repeated ones as often as given. */
  readonly flags: readonly ScannedFlag[];
  /** How many flags stand before the destination. Both can name a user or port, and the one that comes first counts. */
  readonly flagsBefore: number;
  readonly destination: string | undefined;
  readonly command: readonly string[];
}

/**
 * `[flags] destination [flags] [command ...]`. After `--` the next word is the destination and the rest the command;
 * a `--` after the destination begins the command.
 */
export function scanArgv(words: readonly string[], table: FlagTable): ScannedArgv {
  const before = takeFlags(words, 0, table);
  const destination = words[before.end];
  const flagsBefore = before.flags.length;
  if (destination === undefined || before.isClosed) {
    return { flags: before.flags, flagsBefore, destination, command: words.slice(before.end + 1) };
  }
  const after = takeFlags(words, before.end + 1, table);
  return { flags: [...before.flags, ...after.flags], flagsBefore, destination, command: words.slice(after.end) };
}

interface Run {
  readonly flags: readonly ScannedFlag[];
  /** The first word that is no flag, no flag's value and no `--`. */
  readonly end: number;
  /** True when a `--` ended the flags. */
  readonly isClosed: boolean;
}

function takeFlags(words: readonly string[], start: number, table: FlagTable): Run {
  const flags: ScannedFlag[] = [];
  let at = start;
  for (;;) {
    const word = words[at];
    if (word === "--") return { flags, end: at + 1, isClosed: true };
    // As for getopt, a lone dash is a word and no flag.
    if (word === undefined || word === "-" || !word.startsWith("-")) return { flags, end: at, isClosed: false };
    const next = words[at + 1];
    const take = word.startsWith("--") ? takeLong : takeShorts;
    at += take(word, next, table, flags) ? 2 : 1;
  }
}

/** Adds the flag of this word to `flags`. Returns true when the next word is the flag's value. */
function takeLong(word: string, next: string | undefined, table: FlagTable, flags: ScannedFlag[]): boolean {
  const equals = word.indexOf("=");
  const flag = equals === -1 ? word.slice(2) : word.slice(2, equals);
  const takes = lookUp(table.long, flag);
  if (takes === undefined) {
    const hint = didYouMean(flag, Object.keys(table.long), "--");
    throw new Malformed(`unknown flag ${visible(`--${flag}`, 80)}${hint}`);
  }
  if (equals !== -1) {
    const value = word.slice(equals + 1);
    if (takes === "nothing") throw new Malformed(`--${flag} takes no value, but ${quoted(value)} was given`);
    flags.push({ flag, value, text: word });
    return false;
  }
  flags.push(takes === "value" ? withNext(flag, word, next) : { flag, value: undefined, text: word });
  return takes === "value";
}

/**
 * `-fNL 1:h:2`, `-p2222`: flags of one letter. The first one that
 * takes a value gets the rest of the word, or the next word.
 */
function takeShorts(word: string, next: string | undefined, table: FlagTable, flags: ScannedFlag[]): boolean {
  let at = 1;
  while (at < word.length) {
    const flag = String.fromCodePoint(word.codePointAt(at) ?? 0);
    const takes = lookUp(table.short, flag);
    if (takes === undefined) throw unknownShort(word, flag, table);
    at += flag.length;
    if (takes === "value") {
      const value = word.slice(at);
      flags.push(value === "" ? withNext(flag, `-${flag}`, next) : { flag, value, text: `-${flag}${value}` });
      return value === "";
    }
    flags.push({ flag, value: undefined, text: `-${flag}` });
  }
  return false;
}

/** As for getopt, the next word is always the value, even `-N` or `--`. */
function withNext(flag: string, written: string, next: string | undefined): ScannedFlag {
  if (next === undefined) throw new Malformed(`${written} needs a value`);
  return { flag, value: next, text: `${written} ${next}` };
}

function unknownShort(word: string, flag: string, table: FlagTable): Malformed {
  const where = word.length === 1 + flag.length ? "" : ` in ${quoted(word)}`;
  const long = word.slice(1).split("=", 1)[0] ?? "";
  const hint = lookUp(table.long, long) === undefined ? "" : ` (did you mean --${long}?)`;
  return new Malformed(`unknown flag ${visible(`-${flag}`)}${where}${hint}`);
}

/** Looks at own properties only: every object inherits `constructor`, but `--constructor` is no flag. */
function lookUp(names: Readonly<Record<string, Takes>>, name: string): Takes | undefined {
  return Object.hasOwn(names, name) ? names[name] : undefined;
}
