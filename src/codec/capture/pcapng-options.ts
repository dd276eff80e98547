/**
 * The option lists of pcapng blocks: code, unpadded length, value, padding to four bytes, and
 * 0/0 at the end of any list that has an option. Text may come from the network (a target's
 * name), so that long text is cut and control characters are escaped.
 */

import { visible } from "../../text/terminal-text.ts";
import { halvesOf, putU16, putU32 } from "./little-endian.ts";

export interface PcapngOption {
  readonly code: number;
  /** At most 65535 bytes. */
  readonly value: Uint8Array;
}

/** Leaves out options that are undefined. Returns no bytes when no option is left. */
export function encodeOptions(options: readonly (PcapngOption | undefined)[]): Uint8Array {
  const present = options.filter((option) => option !== undefined);
  if (present.length === 0) return new Uint8Array(0);
  const bytes = new Uint8Array(present.reduce((sum, { value }) => sum + 4 + paddedLength(value), 4));
  let at = 0;
  for (const { code, value } of present) {
    putU16(bytes, at, code);
    putU16(bytes, at + 2, value.length);
    bytes.set(value, at + 4);
    at += 4 + paddedLength(value);
  }
  return bytes;
}

/** UTF-8 on one line, cut where it is too long. */
export function textOption(code: number, text: string | undefined): PcapngOption | undefined {
  if (text === undefined) return undefined;
  return { code, value: new TextEncoder().encode(visible(text, longestText)) };
}

export function numberOption(code: number, value: number | undefined): PcapngOption | undefined {
  if (value === undefined) return undefined;
  const { high, low } = halvesOf(BigInt(value));
  return { code, value: twoWords(low, high) };
}

/** Timestamps have their high word first, unlike the counters. */
export function timeOption(code: number, timeNs: bigint): PcapngOption {
  const { high, low } = halvesOf(timeNs);
  return { code, value: twoWords(high, low) };
}

/** In UTF-16 units: at most 49152 bytes of UTF-8, which fits into the 16-bit length of an option. */
const longestText = 16_384;

function twoWords(first: number, second: number): Uint8Array {
  const bytes = new Uint8Array(8);
  putU32(bytes, 0, first);
  putU32(bytes, 4, second);
  return bytes;
}

function paddedLength(value: Uint8Array): number {
  return (value.length + 3) & ~3;
}
