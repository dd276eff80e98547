/**
 * Rates, sizes and durations as people write them. K, M, G, T, P are powers of 1000 and Ki, Mi, ... of 1024, in either
 * case; `B` is a byte and `bit` a bit. A lone small `b` is refused: some people mean bytes by it, others bits.
 */

import { quoted } from "../text/terminal-text.ts";
import { Malformed } from "./malformed.ts";

/** Whole bytes per second, at least 1: `500KB/s`, `1MiB/s`, `8Mbit/s`, `500K`; a bare number is bytes per second. */
export function parseRate(text: string): number {
  const expected = "a rate such as 500KB/s, 4MB/s or 8Mbit/s";
  const written = text.endsWith("/s") ? text.slice(0, -2) : text;
  const bytesPerSecond = Math.round(parseAmount(text, written, true, expected));
  if (bytesPerSecond < 1) throw new Malformed(`${quoted(text)} is less than 1 byte per second; expected ${expected}`);
  return bytesPerSecond;
}

/** Whole bytes, from 0: `64KB`, `1MiB`, `64K`; a bare number is bytes. */
export function parseSize(text: string): number {
  return Math.round(parseAmount(text, text, false, "a size such as 64KB or 1MiB"));
}

/**
 * Whole milliseconds, from 0: `250ms`, `30s`, `5m`, `1h`, `2d`, `1w` and several of these in a row (`1m30s`). A bare
 * number is seconds, as in ssh's time formats (misc.c, convtime). The result may exceed a timer's limit, 2^31 - 1 ms.
 */
export function parseDuration(text: string): number {
  const expected = "a duration such as 250ms, 30s or 1m30s";
  const part = /(\d{1,15}(?:\.\d{1,9})?)(ms|[smhdw]?)/iy;
  let ms = 0;
  let end = 0;
  while (end < text.length) {
    const found = part.exec(text);
    const unitMs = durationUnits.get((found?.[2] ?? "").toLowerCase());
    if (found === null || unitMs === undefined) throw new Malformed(`${quoted(text)} is not ${expected}`);
    ms += Number(found[1]) * unitMs;
    end = part.lastIndex;
  }
  if (text === "") throw new Malformed(`nothing is not ${expected}`);
  if (ms > Number.MAX_SAFE_INTEGER) throw new Malformed(`${quoted(text)} is too long; expected ${expected}`);
  return Math.round(ms);
}

/** Whether ssh takes this as a time: whole seconds, or `1m30s` and the like, not longer than 2^31 - 1 s (misc.c, convtime). */
export function isSshTime(text: string): boolean {
  if (!/^(?:\d+[smhdw])*\d*$/i.test(text) || text === "") return false;
  let ms = 0;
  for (const [, count, unit = ""] of text.matchAll(/(\d+)(\D?)/g)) {
    ms += Number(count) * (durationUnits.get(unit.toLowerCase()) ?? 0);
  }
  return ms < 2 ** 31 * 1000;
}

/** `1.2 MB`: powers of 1000 and three digits at most. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.5 would be printed as 1000, so it already belongs to the next unit.
  while (value >= 999.5 && unit < byteUnits.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${shortNumber(value)} ${byteUnits[unit]}`;
}

/** `250ms`, `1.5s`, `1m30s`, `2h5m`, `3d4h`: the two largest units, and parseDuration reads it again. */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)}ms`;
  if (ms < 59_950) return `${shortNumber(ms / 1000)}s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return pair(seconds, 60, "m", "s");
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return pair(minutes, 60, "h", "m");
  return pair(Math.round(minutes / 60), 24, "d", "h");
}

/** The same for sentences: `40 ms`, `0.2 s`, `12 s`, and from a minute on `1m30s`. Not read by parseDuration. */
export function formatWait(ms: number): string {
  if (ms < 95) return `${Math.round(ms)} ms`;
  if (ms < 59_500) return `${ms < 9950 ? shortNumber(ms / 1000) : Math.round(ms / 1000)} s`;
  return formatDuration(Math.max(ms, 60_000));
}

const byteUnits = ["B", "KB", "MB", "GB", "TB", "PB"] as const;

const durationUnits: ReadonlyMap<string, number> = new Map([
  ["", 1000],
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
  ["w", 604_800_000],
]);

function parseAmount(text: string, written: string, takesBits: boolean, expected: string): number {
  const found = /^(\d{1,16}(?:\.\d{1,9})?)(?: (?=[a-z]))?(?:([kmgtp])(i?))?(B|b|bits?|)$/i.exec(written);
  const unit = found?.[4] ?? "";
  const isBits = unit.length > 1;
  if (found === null || unit === "b" || (isBits && !takesBits)) {
    throw new Malformed(`${quoted(text)} is not ${expected}`);
  }
  const prefix = (found[2] ?? "").toLowerCase();
  const factor = (found[3] ? 1024 : 1000) ** (prefix === "" ? 0 : "kmgtp".indexOf(prefix) + 1);
  const bytes = (Number(found[1]) * factor) / (isBits ? 8 : 1);
  if (bytes > Number.MAX_SAFE_INTEGER) throw new Malformed(`${quoted(text)} is too large; expected ${expected}`);
  return bytes;
}

/** One decimal below 100, none above; a decimal of 0 is left out. */
function shortNumber(value: number): string {
  return value < 99.95 ? String(Math.round(value * 10) / 10) : String(Math.round(value));
}

function pair(count: number, size: number, large: string, small: string): string {
  const rest = count % size;
  return `${Math.floor(count / size)}${large}${rest === 0 ? "" : `${rest}${small}`}`;
}
