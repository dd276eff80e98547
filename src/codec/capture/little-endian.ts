/**
 * Little-endian numbers into bytes: what capture files are written in, for dumpcap takes pcapng only in the byte order of its host.
 * By hand, not by DataView, which would make the engine move each small header out of its fast allocation.
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

/** The two words of a 64-bit number, as pcapng's timestamps want them (high first, against the byte order of all else). */
export function halvesOf(value: bigint): Halves {
  scratch.setBigUint64(0, value);
  return { high: scratch.getUint32(0), low: scratch.getUint32(4) };
}

const scratch = new DataView(new ArrayBuffer(8));
