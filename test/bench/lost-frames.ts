/** How many frames a capture of porthop has seen, and how many were lost: the statistics at the end of a pcapng file, for each interface. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";

const statisticsBlock = 5;
const receivedOption = 4;
const droppedOption = 5;
/** The statistics have no more than a few options. */
const mostBytes = 64 * 1024;

export function countFrames(file: string): { readonly frames: number; readonly lost: number } {
  const bytes = tail(file);
  const sum = { frames: 0, lost: 0 };
  let blocks = 0;
  for (let end = bytes.byteLength; end >= 12; blocks++) {
    // A block ends with its own length.
    const length = bytes.readUInt32LE(end - 4);
    const start = end - length;
    if (length < 24 || start < 0 || bytes.readUInt32LE(start) !== statisticsBlock) break;
    const options = bytes.subarray(start + 20, end - 4);
    sum.frames += optionValue(receivedOption, options);
    sum.lost += optionValue(droppedOption, options);
    end = start;
  }
  if (blocks === 0) throw new Error(`${file} has no statistics at its end`);
  return sum;
}

/** A capture may be larger than what one wants to read. */
function tail(file: string): Buffer {
  const fd = openSync(file, "r");
  const { size } = fstatSync(fd);
  const bytes = Buffer.alloc(Math.min(size, mostBytes));
  readSync(fd, bytes, 0, bytes.byteLength, size - bytes.byteLength);
  closeSync(fd);
  return bytes;
}

/** Options are a code, a length and a value that is filled up to four bytes; code 0 is their end. */
function optionValue(wanted: number, options: Buffer): number {
  for (let at = 0; at + 4 <= options.byteLength; ) {
    const [code, length] = [options.readUInt16LE(at), options.readUInt16LE(at + 2)];
    if (code === wanted) return Number(options.readBigUInt64LE(at + 4));
    if (code === 0) break;
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return 0;
}
