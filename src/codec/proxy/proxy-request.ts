/**
 * The result of a SOCKS or HTTP handshake, in types that both protocols share: the target that the client asks for, the
 * reasons for a failure, and the answers. A host name stays a name: the side that dials resolves it.
 */

import { quoted } from "../../text/terminal-text.ts";
import type { TcpAddress } from "../address.ts";
import { parseHost } from "../host-port.ts";
import { Malformed } from "../malformed.ts";
import type { BodyFraming } from "./http-fields.ts";

/**
 * Why a target was not reached, in the reasons that a proxy protocol can tell. `unavailable`: the proxy has no way to
 * any target now. `failed` is any other reason.
 */
export type ProxyFailure =
  | "refused"
  | "unreachable"
  | "timed-out"
  | "prohibited"
  | "unsupported"
  | "shortage"
  | "unavailable"
  | "failed";

/** The answers for the client. One of them is sent after the dial succeeded or failed. */
export interface ProxyAnswers {
  accepted(): Uint8Array;
  /** `text` is one line for people. SOCKS has no room for a text and leaves it out. */
  refused(failure: ProxyFailure, text: string): Uint8Array;
}

/** Reads `held`: all bytes that no earlier reading used up. Undefined while more bytes are needed. */
export type ProxyReader = (held: Uint8Array) => ProxyReading | undefined;

export type ProxyReading =
  | { readonly kind: "go-on"; readonly length: number; readonly reply: Uint8Array; readonly next: ProxyReader }
  | {
      readonly kind: "asked";
      readonly length: number;
      readonly target: TcpAddress;
      readonly answers: ProxyAnswers;
      /** For a plain HTTP request, which is no handshake: the target gets it too. */
      readonly plain?: PlainRequest | undefined;
    }
  | ProxyRefusal;

/** A plain request that goes on to its target. */
export interface PlainRequest {
  /** The head as the target gets it. */
  readonly head: Uint8Array;
  /** Where the body ends. What the client sends after it is not for this target. */
  readonly body: BodyFraming;
  /** True when the target is asked to speak another protocol after this request. */
  readonly upgrades: boolean;
}

export interface ProxyRefusal {
  readonly kind: "refused";
  readonly reply: Uint8Array;
  /** One line that says what was wrong with the request. */
  readonly reason: string;
}

/**
 * The reading of a request of `length` bytes for `host` and `port`;
 * the refusal of `malformed` when they are no valid target.
 */
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
    // With ignoreBOM a byte order mark stays in the text, and parseHost refuses the text.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Malformed("the host's name is not UTF-8");
  }
}
