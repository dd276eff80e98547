/**
 * Bytes that look random but are the same for the same seed, and the SHA-256 of a transfer. A transfer is checked by
 * its hash, so no test has to keep what it sent.
 */
import { createCipheriv, createHash } from "node:crypto";

/** AES-128-CTR of zeros: gigabytes per second, and nothing that repeats or can be compressed. */
export function randomBytes(bytes: number, seed = 1): Uint8Array {
  return stream(seed).update(new Uint8Array(bytes));
}

/** The bytes of `randomBytes`, in chunks. */
export function* randomChunks(bytes: number, seed = 1, chunkBytes = 65_536): Generator<Uint8Array> {
  const cipher = stream(seed);
  const zeros = new Uint8Array(chunkBytes);
  for (let left = bytes; left > 0; left -= chunkBytes)
    yield cipher.update(zeros.subarray(0, Math.min(left, chunkBytes)));
}

/** The hash in hex, as sha256sum prints it. */
export function sha256(data: Uint8Array | string): string {
  return createHash("sha256").update(data).digest("hex");
}

/** How many bytes came through, and their hash. */
export interface Sum {
  readonly bytes: number;
  readonly sha256: string;
}

/** Counts and hashes a stream while it passes. */
export class Summing {
  #bytes = 0;
  readonly #hash = createHash("sha256");

  add(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    this.#hash.update(chunk);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Call this once, at the end. */
  sum(): Sum {
    return { bytes: this.#bytes, sha256: this.#hash.digest("hex") };
  }
}

export async function sumOf(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Sum> {
  const summing = new Summing();
  for await (const chunk of chunks) summing.add(chunk);
  return summing.sum();
}

function stream(seed: number) {
  const key = createHash("sha256").update(`porthop ${seed}`).digest().subarray(0, 16);
  return createCipheriv("aes-128-ctr", key, new Uint8Array(16));
}
