/**
 * The first packet of an X11 connection (X11 protocol, section 8, "Connection Setup"), in whatever pieces it comes: it must
 * carry the cookie that was made up for the server, and leaves with the display's own. The display's cookie never goes
 * to the server, and who does not know the made-up one gets nowhere (OpenSSH channels.c, x11_open_helper).
 */
import { timingSafeEqual } from "node:crypto";
import { Malformed } from "../malformed.ts";

export interface X11Cookie {
  readonly protocol: string;
  readonly data: Uint8Array;
}

export class X11Setup {
  readonly #protocol: Uint8Array;
  readonly #expected: Uint8Array;
  readonly #real: Uint8Array;
  #heard: Buffer = Buffer.alloc(0);

  /** Both have the same length, which tells nobody anything: it belongs to the protocol. */
  constructor(protocol: string, expected: Uint8Array, real: Uint8Array) {
    if (expected.length !== real.length) throw new Error("a made-up X11 cookie has the length of the real one");
    this.#protocol = Buffer.from(protocol, "latin1");
    this.#expected = expected;
    this.#real = real;
  }

  /**
   * Takes what came; gives all of it back, with the real cookie in place, once the packet is complete, and undefined until
   * then. Throws Malformed when it does not carry the cookie; nothing of it must go on.
   */
  take(chunk: Uint8Array): Uint8Array | undefined {
    this.#heard = Buffer.concat([this.#heard, chunk]);
    if (this.#heard.length < fixedBytes) return undefined;
    const { nameBytes, dataBytes } = readLengths(this.#heard);
    // Told by the lengths alone, so that a stranger cannot have us gather 128 KiB.
    if (nameBytes !== this.#protocol.length || dataBytes !== this.#expected.length) throw wrongCookie();
    const dataStart = fixedBytes + padded(nameBytes);
    if (this.#heard.length < dataStart + padded(dataBytes)) return undefined;
    const name = this.#heard.subarray(fixedBytes, fixedBytes + nameBytes);
    const data = this.#heard.subarray(dataStart, dataStart + dataBytes);
    if (!name.equals(this.#protocol) || !timingSafeEqual(data, this.#expected)) throw wrongCookie();
    // The bytes were gathered here: nobody else holds this memory.
    this.#heard.set(this.#real, dataStart);
    return this.#heard;
  }
}

/** Byte order, a byte unused, the protocol's two version numbers, two lengths, two bytes unused. */
const fixedBytes = 12;

function readLengths(header: Buffer): { readonly nameBytes: number; readonly dataBytes: number } {
  const order = header[0];
  if (order === 0x42) return { nameBytes: header.readUInt16BE(6), dataBytes: header.readUInt16BE(8) };
  if (order === 0x6c) return { nameBytes: header.readUInt16LE(6), dataBytes: header.readUInt16LE(8) };
  throw new Malformed(`its first byte is 0x${(order ?? 0).toString(16)}, which is no byte order of X11`);
}

function padded(bytes: number): number {
  return (bytes + 3) & ~3;
}

function wrongCookie(): Malformed {
  return new Malformed("it does not carry the cookie that was given to the server");
}
