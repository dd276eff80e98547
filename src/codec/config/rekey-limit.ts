/**
 * The value of RekeyLimit (ssh_config(5)): a number of bytes or `default`, then a time or `none`. Read as in readconf.c,
 * and the number as in scan_scaled.
 */
import { quoted } from "../../text/terminal-text.ts";
import { Malformed } from "../malformed.ts";
import { isSshTime, parseDuration } from "../units.ts";

export interface RekeyLimit {
  /** 0 stands for what the cipher allows. */
  readonly bytes: number;
  /** 0 stands for no limit. */
  readonly intervalMs: number;
}

/** Throws Malformed when ssh does not take it. */
export function parseRekeyLimit(words: readonly string[]): RekeyLimit {
  const [size = "", time = "none", ...more] = words;
  const bytes = size === "default" ? 0 : parseBytes(size);
  const isTime = time === "none" || isSshTime(time);
  if (bytes === undefined || !isTime || more.length > 0) {
    throw new Malformed(
      `${quoted(words.join(" "))} is not a number of bytes from 16 on (or default), and a time (or none)`,
    );
  }
  return { bytes, intervalMs: time === "none" ? 0 : parseDuration(time) };
}

/** Below this ssh would change keys with each packet. */
const leastBytes = 16;

function parseBytes(text: string): number | undefined {
  const [, number = "", unit = ""] = /^\+?(\d{1,18}(?:\.\d{0,9})?|\.\d{0,9})([bkmgtpe]?)$/i.exec(text) ?? [];
  if (number === "") return undefined;
  const power = Math.max(0, "bkmgtpe".indexOf(unit.toLowerCase()));
  const bytes = Math.trunc(Number(number === "." ? 0 : number) * 1024 ** power);
  return bytes === 0 || (bytes >= leastBytes && bytes < 2 ** 63) ? bytes : undefined;
}
