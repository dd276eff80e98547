/**
 * The server's side of an HTTP proxy: CONNECT (RFC 9110, section 9.3.6; RFC 9112, section 3.2.3), whose later bytes
 * belong to the target, and plain requests for http:// (section 3.2.2), whose head is written anew for the target.
 */

import { quoted } from "../../text/terminal-text.ts";
import { parsePort, splitHostPort } from "../host-port.ts";
import { Malformed } from "../malformed.ts";
import { forwardedFields } from "./http-fields.ts";
import { connectAnswers, plainAnswers, refusalFor, refuseHttp } from "./http-refusal.ts";
import { readHttpTarget } from "./http-target.ts";
import { askFor, type PlainRequest, type ProxyReader, type ProxyReading, type ProxyRefusal } from "./proxy-request.ts";

/** Request line and header fields together. nginx takes 32 KiB too. */
export const maxHeadBytes = 32 * 1024;

/**
 * A reader for one connection. It remembers how far it has searched: a head in many small pieces is searched only once.
 */
export function httpReader(): ProxyReader {
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
    if (end !== undefined) return read(latin1(head.subarray(0, end)), end);
    if (held.length >= maxHeadBytes) {
      return refuseHttp(431, `the HTTP request has more than ${maxHeadBytes} bytes of head`);
    }
    // The last two bytes may be the beginning of the empty line.
    looked = Math.max(lineEnd, head.length - 2, 0);
    return undefined;
  };
}

const lineFeed = 10;
const carriageReturn = 13;

/** One character for each byte. (TextDecoder's "latin1" is windows-1252, which is another thing.) */
function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

function lineOf(head: Uint8Array, end: number): string {
  const line = latin1(head.subarray(0, end < 0 ? maxMethodBytes : end));
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

const maxMethodBytes = 32;

/**
 * Why the request line is refused; undefined for a good line. An incomplete line is judged by its beginning. Only its
 * first word is shown: a URL has passwords, and another protocol may begin with one (AUTH, USER).
 */
function refusalOf(line: string, complete: boolean): ProxyRefusal | undefined {
  const isGood = complete ? requestLine.test(line) : /^[A-Z][A-Z_-]{0,30}( |$)/.test(line);
  if (isGood) return undefined;
  const [first = "", more] = line.slice(0, 40).split(" ", 2);
  return refuseHttp(400, `this is not an HTTP request: ${quoted(more === undefined ? first : `${first} …`)}`);
}

const requestLine = /^([A-Z][A-Z_-]{0,30}) ([!-~\x80-\xff]+) HTTP\/1\.(\d)$/;

/**
 * The index after the empty line, searched from `from` on; undefined while it is
 * missing. A bare LF ends a line too (RFC 9112, section 2.2).
 */
export function endOfHead(head: Uint8Array, from: number): number | undefined {
  for (let at = head.indexOf(lineFeed, from); at >= 0; at = head.indexOf(lineFeed, at + 1)) {
    if (head[at + 1] === lineFeed) return at + 2;
    if (head[at + 1] === carriageReturn && head[at + 2] === lineFeed) return at + 3;
  }
  return undefined;
}

function read(head: string, end: number): ProxyReading {
  const [first = "", ...lines] = head.split("\n").map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
  const [, method = "", target = "", minor = ""] = requestLine.exec(first) ?? [];
  try {
    if (method === "CONNECT") return readConnect(target, end);
    // The last two lines are the empty one and what is after it.
    return readPlain(method, target, Number(minor), lines.slice(0, -2), end);
  } catch (error) {
    return refusalFor(error, method);
  }
}

/** `host:port` or `[v6]:port`: a CONNECT request never leaves the port out. */
function readConnect(authority: string, end: number): ProxyReading {
  // Before the "@" there may be a password, which no error shows.
  if (authority.includes("@")) throw new Malformed('the target of CONNECT contains "@"');
  const { host, port } = splitHostPort(authority);
  return askFor(Buffer.from(host, "latin1"), parsePort(port), end, connectAnswers, (reason) => refuseHttp(400, reason));
}

function readPlain(method: string, text: string, minor: number, lines: readonly string[], end: number): ProxyReading {
  const { host, port, authority, path } = readHttpTarget(method, text);
  const { lines: fields, body, upgrades } = forwardedFields(lines, method, minor, authority);
  // To a client of HTTP/1.0 the target must answer as to such a client.
  const first = `${method} ${path} HTTP/1.${Math.min(minor, 1)}`;
  const plain: PlainRequest = {
    head: Buffer.from(`${[first, ...fields].join("\r\n")}\r\n\r\n`, "latin1"),
    body,
    upgrades,
  };
  const malformed = (reason: string) => refuseHttp(400, reason, method);
  const reading = askFor(Buffer.from(host, "latin1"), port, end, plainAnswers(method), malformed);
  return reading.kind === "asked" ? { ...reading, plain } : reading;
}
