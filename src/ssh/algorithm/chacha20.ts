/**
 * The raw ChaCha20 cipher, which ssh2 takes from node:crypto for chacha20-poly1305@openssh.com. Bun's BoringSSL does
 * not have this cipher. The cipher is added to node:crypto only while ssh2 loads; all other ciphers stay as they are.
 */
import type crypto from "node:crypto";
import { chacha20orig } from "@noble/ciphers/chacha.js";

export const chacha20Poly1305 = "chacha20-poly1305@openssh.com";

/** What ssh2 takes from node:crypto. The CommonJS object of node:crypto can be written to. */
export type CipherModule = Pick<typeof crypto, "createCipheriv" | "createDecipheriv" | "getCiphers">;

/** Runs `load` with a node:crypto that has the cipher. */
export async function withChacha20(module: CipherModule, load: () => Promise<void>): Promise<void> {
  const { createCipheriv, createDecipheriv, getCiphers } = module;
  if (getCiphers().includes(opensslName)) return load();
  const target = module as Writable<CipherModule>;
  target.getCiphers = () => [...getCiphers(), opensslName];
  target.createCipheriv = orChacha20(createCipheriv);
  target.createDecipheriv = orChacha20(createDecipheriv);
  try {
    await load();
  } finally {
    Object.assign(target, { createCipheriv, createDecipheriv, getCiphers });
  }
}

/**
 * Encryption and decryption are one and the same operation. ssh2 makes one object for each packet and calls `update`
 * once.
 */
export class Chacha20 {
  readonly #key: Uint8Array;
  readonly #iv: Buffer;

  /** `iv` is in OpenSSL's form: 8 bytes that count blocks, little endian, then the nonce. */
  constructor(key: Uint8Array, iv: Uint8Array) {
    // ssh2 reuses one buffer for the IV of every packet, so a copy is needed.
    this.#iv = Buffer.from(iv);
    this.#key = key;
  }

  update(data: Uint8Array): Buffer {
    const blocks = this.#iv.readUInt32LE(0);
    const aligned = data.byteOffset % 4 === 0 ? data : Uint8Array.from(data);
    const output = new Uint8Array(data.length);
    chacha20orig(this.#key, this.#iv.subarray(8), aligned, output, blocks);
    return Buffer.from(output.buffer);
  }
}

const opensslName = "chacha20";

/** All of node:crypto's overloads are of this form. */
type Create = (name: string, ...rest: never[]) => unknown;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function orChacha20<T extends Create>(create: T): T {
  const extended: Create = (name, key, iv, ...rest) =>
    name === opensslName ? new Chacha20(key as Uint8Array, iv as Uint8Array) : create(name, key, iv, ...rest);
  return extended as T;
}
