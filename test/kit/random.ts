/**
 * Bytes that look random and are the same for the same seed, and SHA-256 of what went through.
 * A transfer is checked by its hash, so no test has to hold what it sent.
 */
import { createCipheriv, createHash } from "node:crypto";

/** AES-128-CTR of zeros: gigabytes a second, and nothing that compresses or repeats. */
export function randomBytes(bytes: number, seed = 1): Uint8Array {
  return stream(seed).update(new Uint8Array(bytes));
}

/** The same bytes as `randomBytes`, in chunks. */
export function* randomChunks(bytes: number, seed = 1, chunkBytes = 65_536): Generator<Uint8Array> {
  const cipher = stream(seed);
  const zeros = new Uint8Array(chunkBytes);
  for (let left = bytes; left > 0; left -= chunkBytes)
    yield cipher.update(zeros.subarray(0, Math.min(left, chunkBytes)));
}

/** In hex, as sha256sum prints it. */
export function sha256(data: Uint8Array | string): string {
  return createHash("sha256").update(data).digest("hex");
}

/** What came through: how much, and its hash. */
export interface Sum {
  readonly bytes: number;
  readonly sha256: string;
}

/** Counts and hashes a stream on the way. */
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

  /** To be asked once, at the end. */
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
