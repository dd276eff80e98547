/**
 * Reads a small file of the user as a whole. The file may be a regular file, a pipe or a device. Throws when the file
 * has more than `maxBytes` bytes.
 */
import type { FileHandle } from "node:fs/promises";

export async function readBounded(
  file: FileHandle,
  maxBytes: number,
  encoding: "utf8" | "latin1" = "utf8",
): Promise<string> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(64 * 1024), 0, 64 * 1024, null);
    if (bytesRead === 0) return Buffer.concat(chunks).toString(encoding);
    total += bytesRead;
    if (total > maxBytes) throw new Error(`it is larger than ${maxBytes} bytes`);
    chunks.push(buffer.subarray(0, bytesRead));
  }
}
