/**
 * UMAC (RFC 4418) for umac-64@openssh.com and umac-128@openssh.com, which no runtime has. ssh2 takes MACs from
 * node:crypto, one object for each packet. So createHmac is changed while ssh2 loads; for all other MACs it stays as it
 * is.
 */
import type crypto from "node:crypto";
import { createCipheriv } from "node:crypto";
import { layerBytes, UniversalHash } from "../../codec/session/universal-hash.ts";

/** What ssh2 takes from node:crypto. The CommonJS object of node:crypto can be written to. */
export type MacModule = Pick<typeof crypto, "createHmac">;

/** Runs `load` with a node:crypto that has "umac-64" and "umac-128". */
export async function withUmac(module: MacModule, load: () => Promise<void>): Promise<void> {
  const { createHmac } = module;
  const target = module as { createHmac: unknown };
  target.createHmac = (name: string, key: Buffer) => {
    const kind = kinds[name];
    return kind === undefined ? createHmac(name, key) : umacOf(key, kind).begin();
  };
  try {
    await load();
  } finally {
    target.createHmac = createHmac;
  }
}

interface UmacKind {
  readonly tagBytes: number;
  /** ssh2 has one key object for each direction, and asks about one packet after the other. */
  readonly made: WeakMap<Buffer, Umac>;
}

const kinds: { readonly [name: string]: UmacKind | undefined } = {
  "umac-64": { tagBytes: 8, made: new WeakMap() },
  "umac-128": { tagBytes: 16, made: new WeakMap() },
};

function umacOf(key: Buffer, { tagBytes, made }: UmacKind): Umac {
  const umac = made.get(key) ?? new Umac(key, tagBytes);
  made.set(key, umac);
  return umac;
}

/** In place of node:crypto's Hmac. A MAC of one message is made at a time. */
export class Umac {
  readonly #tagBytes: number;
  readonly #hash: UniversalHash;
  readonly #cipher: ReturnType<typeof createCipheriv>;
  readonly #nonce = Buffer.alloc(blockBytes);
  #bytes = new Uint8Array(sequenceBytes + usualBytes);
  #used = 0;
  #pad: Buffer | undefined;
  #padNonce = -1;

  constructor(key: Uint8Array, tagBytes: number) {
    const { first, second, third, mask } = layerBytes(tagBytes / 4);
    this.#tagBytes = tagBytes;
    this.#cipher = encipher(derive(key, 0, blockBytes));
    this.#hash = new UniversalHash({
      first: derive(key, 1, first),
      second: derive(key, 2, second),
      third: derive(key, 3, third),
      mask: derive(key, 4, mask),
    });
  }

  begin(): this {
    this.#used = 0;
    return this;
  }

  /** The first four bytes of all are the packet's sequence number. */
  update(data: Uint8Array): this {
    const end = this.#used + data.length;
    if (end + paddingBytes > this.#bytes.length) {
      const longer = new Uint8Array(4 * end + paddingBytes);
      longer.set(this.#bytes);
      this.#bytes = longer;
    }
    this.#bytes.set(data, this.#used);
    this.#used = end;
    return this;
  }

  digest(): Buffer {
    const { buffer } = this.#bytes;
    // The padding. It is longer than needed.
    this.#bytes.fill(0, this.#used, this.#used + paddingBytes);
    // All machines that a runtime exists for have the lowest byte first.
    const words = this.#hash.hash(new Uint32Array(buffer, sequenceBytes), this.#used - sequenceBytes);
    const pad = this.#padOf(Buffer.from(buffer, 0, sequenceBytes).readUInt32BE());
    const tag = Buffer.allocUnsafe(this.#tagBytes);
    words.forEach((word, index) => {
      tag.writeUInt32BE((word ^ pad.readUInt32BE(4 * index)) >>> 0, 4 * index);
    });
    return tag;
  }

  /** PDF (section 3.3). The nonce is the sequence number as eight bytes (OpenSSH: mac.c, mac_compute). */
  #padOf(sequence: number): Buffer {
    const count = Math.floor(blockBytes / this.#tagBytes);
    const index = sequence % count;
    // Two packets of umac-64 share one block.
    if (this.#pad === undefined || this.#padNonce !== sequence - index) {
      this.#nonce.writeUInt32BE(sequence - index, 4);
      this.#padNonce = sequence - index;
      this.#pad = this.#cipher.update(this.#nonce);
    }
    return this.#pad.subarray(index * this.#tagBytes, (index + 1) * this.#tagBytes);
  }
}

const blockBytes = 16;
const sequenceBytes = 4;
/** A packet of a channel's data has some 32 KiB. */
const usualBytes = 36 * 1024;
const paddingBytes = 32;

/** KDF (section 3.2.1). */
function derive(key: Uint8Array, index: number, bytes: number): Buffer {
  const blocks = Buffer.alloc(Math.ceil(bytes / blockBytes) * blockBytes);
  for (let at = 0; at < blocks.length; at += blockBytes) {
    blocks[at + 7] = index;
    blocks.writeUInt32BE(at / blockBytes + 1, at + 12);
  }
  return encipher(key).update(blocks).subarray(0, bytes);
}

function encipher(key: Uint8Array): ReturnType<typeof createCipheriv> {
  return createCipheriv("aes-128-ecb", key, null).setAutoPadding(false);
}
