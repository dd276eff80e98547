/**
 * The `string` of SSH's binary formats (RFC 4251, section 5): a length of four bytes, then that many bytes.
 * Lengths come from files and from the network, so each length is compared with the bytes that are really there.
 */

export interface ReadString {
  /** A view into the memory that was read. */
  readonly bytes: Buffer;
  /** Where the next field begins. */
  readonly next: number;
}

/** The string at `offset`, or undefined when some of its bytes are missing. */
export function readString(from: Uint8Array, offset: number): ReadString | undefined {
  const buffer = Buffer.from(from.buffer, from.byteOffset, from.byteLength);
  if (!Number.isSafeInteger(offset) || offset < 0 || buffer.length - offset < 4) return undefined;
  const length = buffer.readUInt32BE(offset);
  const start = offset + 4;
  if (length > buffer.length - start) return undefined;
  return { bytes: buffer.subarray(start, start + length), next: start + length };
}

/** The strings one after the other. */
export function writeStrings(...strings: readonly (string | Uint8Array)[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const string of strings) {
    const bytes = typeof string === "string" ? Buffer.from(string) : string;
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    parts.push(length, bytes);
  }
  return Buffer.concat(parts);
}
