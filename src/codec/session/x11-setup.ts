/**
 * The first packet of an X11 connection (X11 protocol, section 8, "Connection Setup"), in any number
 * of chunks. The packet must carry the made-up cookie that the server was given; the display's real
 * cookie takes its place. The real cookie never goes to the server, and a program without the
 * made-up cookie is refused (OpenSSH channels.c, x11_open_helper).
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

  /**
   * `expected` is the made-up cookie, `real` the display's. Both
   * have one length, which the protocol fixes: it is no secret.
   */
  constructor(protocol: string, expected: Uint8Array, real: Uint8Array) {
    if (expected.length !== real.length) throw new Error("a made-up X11 cookie has the length of the real one");
    this.#protocol = Buffer.from(protocol, "latin1");
    this.#expected = expected;
    this.#real = real;
  }

  /**
   * Returns undefined until the packet is complete, then all bytes so far with the real cookie in place. Throws
   * Malformed when the packet does not carry the made-up cookie: then no byte may go to the display.
   */
  take(chunk: Uint8Array): Uint8Array | undefined {
    this.#heard = Buffer.concat([this.#heard, chunk]);
    if (this.#heard.length < fixedBytes) return undefined;
    const { nameBytes, dataBytes } = readLengths(this.#heard);
    // Wrong lengths are refused at once, so that a stranger cannot make us gather 128 KiB.
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
