/**
 * Finds a flag of the link whose value was forgotten. As for getopt the next word is its value, and then the words behind
 * are read askew: the message would be about another word.
 */
import { Malformed } from "../codec/malformed.ts";
import type { ScannedFlag } from "../codec/words/argv.ts";
import { quoted } from "../text/terminal-text.ts";
import { runTable } from "./run-flags.ts";

const names: ReadonlySet<string> = new Set(["reconnect", "hold", "sessions", "fallback"]);

/** Throws Malformed for an empty value and for a flag in its place. No value of these flags begins with a dash. */
export function refuseMissingValues(flags: readonly ScannedFlag[]): void {
  for (const { flag, value } of flags) {
    if (value === undefined || !names.has(flag)) continue;
    if (value === "") throw new Malformed(`--${flag} needs a value`);
    const other = flagIn(value);
    if (other !== undefined) throw new Malformed(`--${flag} needs a value, and ${quoted(other)} is a flag`);
  }
}

/** `-L` also from `-L80:a:1`. A dash and a digit is a flag only alone: `-4s` was meant as a time. */
function flagIn(word: string): string | undefined {
  const [long, name = ""] = /^--([a-z-]+)(?==|$)/.exec(word) ?? [];
  if (long !== undefined) return Object.hasOwn(runTable.long, name) ? long : undefined;
  const [short] = /^-(?:[A-Za-z]|[0-9]$)/.exec(word) ?? [];
  return short !== undefined && Object.hasOwn(runTable.short, short.slice(1)) ? short : undefined;
}
