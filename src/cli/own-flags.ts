/**
 * Takes a command's own flags out of its words (`--format` of `porthop command`), so that the
 * rest can be read as words of run.
 */

import { Malformed } from "../codec/malformed.ts";
import { type FlagTable, type ScannedFlag, scanArgv } from "../codec/words/argv.ts";
import { isSpelledOut } from "../config/pasted-command.ts";
import { type RunFlag, runTable } from "../config/run-flags.ts";
import { asUsage } from "../config/usage.ts";

export interface OwnFlags {
  /** The last value of each flag; "" for a flag without a value. */
  readonly own: ReadonlyMap<string, string>;
  readonly help: boolean;
  /** All other words. */
  readonly words: readonly string[];
}

/**
 * Own flags may stand wherever a flag of run may. With a command that is spelled out (`ssh -L ...`) they may
 * stand only in front of the command.
 */
export function takeOwnFlags(words: readonly string[], own: readonly RunFlag[]): OwnFlags {
  return asUsage(undefined, () => take(words, own));
}

function take(words: readonly string[], own: readonly RunFlag[]): OwnFlags {
  const table: FlagTable = {
    short: runTable.short,
    long: {
      ...runTable.long,
      ...Object.fromEntries(own.map(({ name, value }) => [name, value ? "value" : "nothing"] as const)),
    },
  };
  // The first word that names a program may also be a value, as in `--format plink`. So all
  // words before it must be own flags.
  const front = words.findIndex(
    (_, index) => isSpelledOut(words.slice(index)) && areOnlyOwn(words.slice(0, index), table, own),
  );
  if (front !== -1) return { ...split(scanArgv(words.slice(0, front), table).flags, own), words: words.slice(front) };
  const { flags, flagsBefore, destination, command } = scanArgv(words, table);
  const others = (some: readonly ScannedFlag[]) =>
    some.filter(({ flag }) => !isOwn(flag, own) && !isHelp(flag)).flatMap(again);
  const before = others(flags.slice(0, flagsBefore));
  // This destination stood behind a `--`. Without the `--` it would become a flag.
  const isClosed = destination?.startsWith("-") === true;
  if (isClosed) return { ...split(flags, own), words: [...before, "--", destination, ...command] };
  return {
    ...split(flags, own),
    words: [
      ...before,
      ...(destination === undefined ? [] : [destination]),
      ...others(flags.slice(flagsBefore)),
      ...(command.length === 0 ? [] : ["--", ...command]),
    ],
  };
}

/** Whether the words are own flags and nothing else, each with its value. */
function areOnlyOwn(words: readonly string[], table: FlagTable, own: readonly RunFlag[]): boolean {
  try {
    const { flags, destination } = scanArgv(words, table);
    return destination === undefined && flags.every(({ flag }) => isOwn(flag, own) || isHelp(flag));
  } catch (error) {
    if (error instanceof Malformed) return false;
    throw error;
  }
}

function split(flags: readonly ScannedFlag[], own: readonly RunFlag[]): Omit<OwnFlags, "words"> {
  const found = flags.filter(({ flag }) => isOwn(flag, own));
  return {
    own: new Map(found.map(({ flag, value = "" }) => [flag, value])),
    help: flags.some(({ flag }) => isHelp(flag)),
  };
}

function isOwn(flag: string, own: readonly RunFlag[]): boolean {
  return own.some(({ name }) => name === flag);
}

function isHelp(flag: string): boolean {
  return flag === "help" || flag === "h";
}

function again({ flag, value }: ScannedFlag): readonly string[] {
  const written = flag.length === 1 ? `-${flag}` : `--${flag}`;
  return value === undefined ? [written] : [written, value];
}
