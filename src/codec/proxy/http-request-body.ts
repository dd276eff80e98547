/**
 * Finds where the body of a request ends (RFC 9112, section 6), so that of what a client sends a target gets its own
 * request and nothing of the next one. Pieces of the bytes come out, and nothing is held.
 */
import { Malformed } from "../malformed.ts";
import type { BodyFraming } from "./http-fields.ts";

/** A chunk's size with its extensions, or the fields behind the last chunk. */
const maxLineBytes = 4096;
const maxTrailerBytes = 16 * 1024;

type Part =
  /** So many bytes of data are left. */
  | "data"
  /** The line with the size of a chunk. */
  | "size"
  /** The CRLF after a chunk's data. */
  | "data-end"
  /** A line behind the last chunk. */
  | "trailer"
  | "over";

export class RequestBody {
  #part: Part;
  #left = 0;
  readonly #isChunked: boolean;
  #line = "";
  /** Asked of the line itself, this would copy it for each of its bytes. */
  #isAfterReturn = false;
  #trailerBytes = 0;

  constructor(framing: BodyFraming) {
    this.#isChunked = framing === "chunked";
    if (framing === "chunked") this.#part = "size";
    else {
      this.#left = framing.length;
      this.#part = framing.length === 0 ? "over" : "data";
    }
  }

  /** True when the request is complete: what comes now belongs to another one. */
  get isOver(): boolean {
    return this.#part === "over";
  }

  /** How many bytes of this chunk belong to the request. Throws Malformed when the chunks of the body are none. */
  take(chunk: Uint8Array): number {
    let at = 0;
    while (at < chunk.length && this.#part !== "over") {
      if (this.#part === "data") at += this.#skipData(chunk.length - at);
      else this.#takeByte(chunk[at++] ?? 0);
    }
    return at;
  }

  #skipData(available: number): number {
    const skipped = Math.min(available, this.#left);
    this.#left -= skipped;
    if (this.#left === 0) this.#part = this.#isChunked ? "data-end" : "over";
    return skipped;
  }

  /** A line ends with CRLF only: a target that reads a bare CR or LF in another way would find another request in it. */
  #takeByte(byte: number): void {
    if ((byte === lineFeed) !== this.#isAfterReturn)
      throw new Malformed("a line of the request's chunks ends without CRLF");
    if (this.#part === "data-end" && byte !== carriageReturn && byte !== lineFeed) {
      throw new Malformed("a chunk of the request is longer than its size");
    }
    this.#isAfterReturn = byte === carriageReturn;
    if (byte === lineFeed) {
      const line = this.#line.slice(0, -1);
      this.#line = "";
      this.#takeLine(line);
      return;
    }
    if (byte === 0x7f || (byte < 0x20 && byte !== 9 && byte !== carriageReturn)) {
      throw new Malformed("a line of the request's chunks has a control character");
    }
    if (this.#line.length >= maxLineBytes) throw new Malformed("a line of the request's chunks is too long");
    this.#line += String.fromCharCode(byte);
  }

  #takeLine(line: string): void {
    if (this.#part === "data-end") this.#part = "size";
    else if (this.#part === "size") {
      const digits = /^([0-9a-f]{1,12})[ \t]*(?:;.*)?$/i.exec(line)?.[1];
      if (digits === undefined) throw new Malformed("a chunk of the request has no size");
      this.#left = Number.parseInt(digits, 16);
      this.#part = this.#left === 0 ? "trailer" : "data";
    } else {
      this.#trailerBytes += line.length;
      if (this.#trailerBytes > maxTrailerBytes) throw new Malformed("the request has too many fields behind its body");
      if (line === "") this.#part = "over";
    }
  }
}

const lineFeed = 10;
const carriageReturn = 13;
