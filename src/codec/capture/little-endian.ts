/**
 * Writes little-endian numbers into bytes. Capture files are little endian, because dumpcap reads pcapng only in the
 * byte order of its host. No DataView: it would make the engine move each small header out of its fast allocation.
 */

export function putU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
}

export function putU32(bytes: Uint8Array, at: number, value: number): void {
  putU16(bytes, at, value);
  putU16(bytes, at + 2, value >>> 16);
}

export interface Halves {
  readonly high: number;
  readonly low: number;
}

/**
 * The two 32-bit words of a 64-bit number. pcapng's timestamps have the high word first, even in a little-endian file.
 */
export function halvesOf(value: bigint): Halves {
  scratch.setBigUint64(0, value);
  return { high: scratch.getUint32(0), low: scratch.getUint32(4) };
}

const scratch = new DataView(new ArrayBuffer(8));
