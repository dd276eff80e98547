/**
 * What the proxy itself says in HTTP: the yes to CONNECT, and a no with one line of text (RFC 9110, section 15). After
 * a no the connection ends, so that nothing of a request that was not understood is read as another request.
 */
import { visible } from "../../text/terminal-text.ts";
import { Malformed } from "../malformed.ts";
import type { ProxyAnswers, ProxyFailure, ProxyRefusal } from "./proxy-request.ts";

const phrases = {
  400: "Bad Request",
  403: "Forbidden",
  431: "Request Header Fields Too Large",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
} as const;

export type HttpStatus = keyof typeof phrases;

/** The error for a request that is well formed, and asks for what this proxy does not do. */
export class Unsupported extends Malformed {}

/** `method` is that of the request: an answer to HEAD has no body. */
export function refuseHttp(status: HttpStatus, reason: string, method?: string): ProxyRefusal {
  return { kind: "refused", reply: answer(status, reason, method), reason };
}

/** The refusal that tells this error. An error that no codec threw goes on. */
export function refusalFor(error: unknown, method: string): ProxyRefusal {
  if (!(error instanceof Malformed)) throw error;
  return refuseHttp(error instanceof Unsupported ? 501 : 400, error.message, method);
}

/** No Content-Length: a successful answer to CONNECT has no body (RFC 9110, section 9.3.6). */
export const connectAnswers: ProxyAnswers = {
  accepted: () => new TextEncoder().encode("HTTP/1.1 200 Connection established\r\n\r\n"),
  refused: (failure, text) => answer(statuses[failure], text),
};

/** The answers to a request that goes on to its target, whose own answer is the yes. */
export function plainAnswers(method: string): ProxyAnswers {
  return {
    accepted: () => new Uint8Array(0),
    refused: (failure, text) => answer(statuses[failure], text, method),
  };
}

const statuses: Readonly<Record<ProxyFailure, HttpStatus>> = {
  prohibited: 403,
  unsupported: 403,
  refused: 502,
  unreachable: 502,
  failed: 502,
  shortage: 503,
  // RFC 9110, section 15.6.4: a passing condition. Nobody knows how long it lasts, so there is no Retry-After.
  unavailable: 503,
  "timed-out": 504,
};

function answer(status: HttpStatus, text: string, method?: string): Uint8Array {
  const body = Buffer.from(`${visible(text, 300)}\n`);
  const fields = [
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${body.length}`,
    // For a browser this is a page of the host that was asked for, and what it quotes must stay text.
    "X-Content-Type-Options: nosniff",
    "Cache-Control: no-store",
    "Connection: close",
  ];
  const head = Buffer.from(`HTTP/1.1 ${status} ${phrases[status]}\r\n${fields.join("\r\n")}\r\n\r\n`);
  return method === "HEAD" ? head : Buffer.concat([head, body]);
}
