/**
 * The server's side of HTTP CONNECT (RFC 9110, section 9.3.6; RFC 9112, section 3.2.3), without any other method. The
 * request line is read, the header fields are skipped, and the bytes after the empty line belong to the target.
 */

import { quoted, visible } from "../../text/terminal-text.ts";
import { parsePort, splitHostPort } from "../host-port.ts";
import { Malformed } from "../malformed.ts";
import {
  askFor,
  type ProxyAnswers,
  type ProxyFailure,
  type ProxyReader,
  type ProxyReading,
  type ProxyRefusal,
} from "./proxy-request.ts";

/** Request line and header fields together. */
export const maxHeadBytes = 16 * 1024;

/**
 * A reader for one connection. It remembers how far it has searched: a head in many small pieces is searched only once.
 */
export function httpConnectReader(): ProxyReader {
  let lineEnd = -1;
  let looked = 0;
  return (held) => {
    const head = held.subarray(0, maxHeadBytes);
    if (lineEnd < 0) {
      lineEnd = head.indexOf(lineFeed, looked);
      const refusal = refusalOf(lineOf(head, lineEnd), lineEnd >= 0);
      if (refusal !== undefined) return refusal;
      looked = lineEnd < 0 ? head.length : lineEnd;
    }
    const end = lineEnd < 0 ? undefined : endOfHead(head, looked);
    if (end !== undefined) return read(lineOf(head, lineEnd), end);
    if (held.length >= maxHeadBytes) return refuse(400, `the HTTP request has more than ${maxHeadBytes} bytes of head`);
    // The last two bytes may be the beginning of the empty line.
    looked = Math.max(lineEnd, head.length - 2, 0);
    return undefined;
  };
}

const lineFeed = 10;
const carriageReturn = 13;

function lineOf(head: Uint8Array, end: number): string {
  const line = new TextDecoder("latin1").decode(head.subarray(0, end < 0 ? maxMethodBytes : end));
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

const maxMethodBytes = 32;

/** Why the request line is refused; undefined for a good line. An incomplete line is judged by its beginning. */
function refusalOf(line: string, complete: boolean): ProxyRefusal | undefined {
  if (!complete) return /^[A-Z]{1,31}( |$)/.test(line) ? undefined : foreign(line);
  const [, method, target] = /^([A-Z]{1,31}) (\S+) HTTP\/1\.\d$/.exec(line) ?? [];
  if (method === undefined || target === undefined) return foreign(line);
  if (method === "CONNECT") return undefined;
  return refuse(405, `HTTP ${method} is not supported, only CONNECT: this is no proxy for plain requests`);
}

/**
 * The index after the empty line, searched from `from` on; undefined while it is
 * missing. A bare LF ends a line too (RFC 9112, section 2.2).
 */
function endOfHead(head: Uint8Array, from: number): number | undefined {
  for (let at = head.indexOf(lineFeed, from); at >= 0; at = head.indexOf(lineFeed, at + 1)) {
    if (head[at + 1] === lineFeed) return at + 2;
    if (head[at + 1] === carriageReturn && head[at + 2] === lineFeed) return at + 3;
  }
  return undefined;
}

function read(line: string, end: number): ProxyReading {
  const malformed = (reason: string) => refuse(400, reason);
  const authority = line.split(" ")[1] ?? "";
  try {
    const { host, port } = readAuthority(authority);
    return askFor(host, port, end, answers, malformed);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return malformed(error.message);
  }
}

/** `host:port` or `[v6]:port`: a CONNECT request never leaves the port out. */
function readAuthority(authority: string): { host: Uint8Array; port: number } {
  const { host, port } = splitHostPort(authority);
  // The line was read as latin1, so each character is one byte.
  return { host: Uint8Array.from(host, (character) => character.charCodeAt(0)), port: parsePort(port) };
}

const statuses: Readonly<Record<ProxyFailure, number>> = {
  prohibited: 403,
  unsupported: 403,
  refused: 502,
  unreachable: 502,
  failed: 502,
  shortage: 503,
  "timed-out": 504,
};

const phrases = {
  400: "Bad Request",
  403: "Forbidden",
  405: "Method Not Allowed",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
} as const;

const answers: ProxyAnswers = {
  // No Content-Length: a successful answer to CONNECT has no body (RFC 9110, section 9.3.6).
  accepted: () => new TextEncoder().encode("HTTP/1.1 200 Connection established\r\n\r\n"),
  refused: (failure, text) => answer(statuses[failure], text),
};

function foreign(line: string): ProxyRefusal {
  return { ...refuse(400, `this is not an HTTP request: ${quoted(line.slice(0, 40))}`), isForeign: true };
}

function refuse(status: number, reason: string): ProxyRefusal {
  return { kind: "refused", reply: answer(status, reason), reason, isForeign: false };
}

function answer(status: number, text: string): Uint8Array {
  const body = new TextEncoder().encode(`${visible(text, 300)}\n`);
  const phrase = Object.hasOwn(phrases, status) ? phrases[status as keyof typeof phrases] : "";
  const fields = [
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${body.length}`,
    ...(status === 405 ? ["Allow: CONNECT"] : []),
    "Connection: close",
  ];
  const head = new TextEncoder().encode(`HTTP/1.1 ${status} ${phrase}\r\n${fields.join("\r\n")}\r\n\r\n`);
  const whole = new Uint8Array(head.length + body.length);
  whole.set(head);
  whole.set(body, head.length);
  return whole;
}
