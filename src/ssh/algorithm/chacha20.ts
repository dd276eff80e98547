/**
 * The raw ChaCha20 that ssh2's chacha20-poly1305@openssh.com asks node:crypto for, where the runtime has none: Bun's
 * BoringSSL. It is put under node:crypto only while ssh2 takes over what it needs, and other ciphers pass through.
 */
import type crypto from "node:crypto";
import { chacha20orig } from "@noble/ciphers/chacha.js";

export const chacha20Poly1305 = "chacha20-poly1305@openssh.com";

/** What ssh2 takes from node:crypto; its CommonJS object can be written to. */
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

/** Encrypting and decrypting are the same. ssh2 makes one for each packet and calls `update` once. */
export class Chacha20 {
  readonly #key: Uint8Array;
  readonly #iv: Buffer;

  /** OpenSSL's form: 8 bytes that count blocks, little endian, then the nonce. */
  constructor(key: Uint8Array, iv: Uint8Array) {
    // ssh2 hands out the same buffer every time, with other bytes in it.
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
