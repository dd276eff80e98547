/**
 * The handshake with a client of the proxy: the client's first byte tells SOCKS4, SOCKS5 and HTTP apart. Chunks go in,
 * steps come out. No more is held than the longest allowed handshake and one chunk, and no byte is lost.
 */

import { quoted } from "../../text/terminal-text.ts";
import type { TcpAddress } from "../address.ts";
import { httpReader } from "./http-request.ts";
import type { PlainRequest, ProxyAnswers, ProxyReader, ProxyReading } from "./proxy-request.ts";
import { readSocks4, readSocks5 } from "./socks.ts";

export type { PlainRequest, ProxyAnswers } from "./proxy-request.ts";

/** Send `reply` to the client at once. An empty `reply` means that there is nothing to send. */
export type HandshakeStep =
  | { readonly kind: "more"; readonly reply: Uint8Array }
  | {
      readonly kind: "asked";
      readonly reply: Uint8Array;
      readonly target: TcpAddress;
      /** The bytes of the last chunk that follow the handshake: they are meant for the target. */
      readonly early: Uint8Array;
      readonly answers: ProxyAnswers;
      /** The request that the target gets before all else. Undefined after a real handshake. */
      readonly plain: PlainRequest | undefined;
    }
  | { readonly kind: "refused"; readonly reply: Uint8Array; readonly reason: string };

export class ProxyHandshake {
  #held = new Uint8Array(256);
  #length = 0;
  #reader: ProxyReader | undefined;

  /** Do not call `take` again after `asked` or `refused`. */
  take(chunk: Uint8Array): HandshakeStep {
    this.#hold(chunk);
    let reply: Uint8Array = nothing;
    while (this.#length > 0) {
      const held = this.#held.subarray(0, this.#length);
      this.#reader ??= readerFor(held[0] ?? 0);
      const reading = this.#reader(held);
      if (reading === undefined) break;
      if (reading.kind === "refused") return { ...reading, reply: joined(reply, reading.reply) };
      this.#length -= reading.length;
      if (reading.kind === "asked") {
        const { target, answers, plain } = reading;
        return { kind: "asked", reply, target, answers, plain, early: chunk.subarray(chunk.length - this.#length) };
      }
      this.#held.copyWithin(0, reading.length);
      this.#reader = reading.next;
      reply = joined(reply, reading.reply);
    }
    return { kind: "more", reply };
  }

  #hold(chunk: Uint8Array): void {
    const length = this.#length + chunk.length;
    if (length > this.#held.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#held.length));
      larger.set(this.#held.subarray(0, this.#length));
      this.#held = larger;
    }
    this.#held.set(chunk, this.#length);
    this.#length = length;
  }
}

const nothing = new Uint8Array(0);

function readerFor(first: number): ProxyReader {
  if (first === 4) return readSocks4;
  if (first === 5) return readSocks5;
  return first >= 65 && first <= 90 ? httpReader() : unknown;
}

/**
 * Refuses without a reply: a client that speaks no proxy protocol would not understand one. Its first bytes tell which
 * one it speaks; behind them may be a password.
 */
function unknown(held: Uint8Array): ProxyReading {
  const said = Buffer.from(held.subarray(0, 12)).toString("latin1");
  const reason =
    held[0] === tlsHandshake
      ? "this is TLS, and a proxy is spoken to in clear: name it as http://, for https:// pages too"
      : `this is neither SOCKS nor HTTP: ${quoted(said)}`;
  return { kind: "refused", reply: nothing, reason };
}

/** The first byte of a TLS client (RFC 8446, section 5.1). */
const tlsHandshake = 0x16;

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second;
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
