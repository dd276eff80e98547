/**
 * What a SOCKS or HTTP CONNECT handshake comes to, in words that both protocols share: the target that is asked for,
 * the reasons why it may not be had, and the answers. A name stays a name: it is resolved where it is dialed from.
 */

import { quoted } from "../../text/terminal-text.ts";
import type { TcpAddress } from "../address.ts";
import { parseHost } from "../host-port.ts";
import { Malformed } from "../malformed.ts";

/** Why a target was not reached, as far as a proxy's client can be told: `failed` is anything else. */
export type ProxyFailure =
  | "refused"
  | "unreachable"
  | "timed-out"
  | "prohibited"
  | "unsupported"
  | "shortage"
  | "failed";

/** What the client gets to read once it is known how the dial went. */
export interface ProxyAnswers {
  accepted(): Uint8Array;
  /** `text` is one line for people, where the protocol has room for it. */
  refused(failure: ProxyFailure, text: string): Uint8Array;
}

/** Looks at all bytes that were not used up yet; undefined while it needs more. */
export type ProxyReader = (held: Uint8Array) => ProxyReading | undefined;

export type ProxyReading =
  | { readonly kind: "go-on"; readonly length: number; readonly reply: Uint8Array; readonly next: ProxyReader }
  | { readonly kind: "asked"; readonly length: number; readonly target: TcpAddress; readonly answers: ProxyAnswers }
  | ProxyRefusal;

export interface ProxyRefusal {
  readonly kind: "refused";
  readonly reply: Uint8Array;
  /** One line that says what was wrong with the request. */
  readonly reason: string;
  /** These bytes were meant for another protocol altogether. */
  readonly isForeign: boolean;
}

/** The reading of a request whose target is `host` and `port`, or its refusal when no sane target can be made of them. */
export function askFor(
  host: Uint8Array | string,
  port: number,
  length: number,
  answers: ProxyAnswers,
  malformed: (reason: string) => ProxyRefusal,
): ProxyReading {
  try {
    return { kind: "asked", length, target: targetOf(host, port), answers };
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return malformed(error.message);
  }
}

function targetOf(host: Uint8Array | string, port: number): TcpAddress {
  const name = parseHost(typeof host === "string" ? host : decoded(host));
  if (name === "*") throw new Malformed('"*" is no host to connect to');
  if (port === 0) throw new Malformed(`there is no port 0 to connect to on ${quoted(name)}`);
  return { host: name, port };
}

function decoded(bytes: Uint8Array): string {
  try {
    // With ignoreBOM the mark stays in the text, where parseHost sees it.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Malformed("the host's name is not UTF-8");
  }
}
