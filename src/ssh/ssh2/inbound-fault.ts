/**
 * The three reasons in what arrives why a connection cannot go on: a packet is damaged, a message makes no sense, or
 * the server says goodbye. Each becomes an error of its own, in words that do not come from the runtime.
 */
import { PorthopError } from "../../errors.ts";
import { quoted } from "../../text/terminal-text.ts";
import { watchDeciphers } from "./decipher-watch.ts";
import type { DecipherView, ProtocolView } from "./view.ts";

/** The packet that arrived is not the one that the server sent (RFC 4253, section 6.4). */
export class DamagedPacket extends Error {}

/** The packet arrived as it was sent, and ssh2 tripped over it. */
export class SenselessMessage extends Error {}

/** SSH_MSG_DISCONNECT (RFC 4253, section 11.1). The message is the server's own, or what its number means. */
export class Disconnected extends Error {
  readonly reason: number;
  /** What the server said and meant, made safe. */
  readonly told: string;

  constructor(reason: number, text: string) {
    const meaning = reasons[reason - 1];
    const said = text.trim();
    super(said === "" ? (meaning ?? "no reason given") : said);
    this.reason = reason;
    const number = meaning === undefined ? `reason ${reason}` : `reason ${reason}: ${meaning}`;
    this.told = said === "" ? `it gave no words (${number})` : `it said ${quoted(said)} (${number})`;
  }
}

/** True for an error that says why the server's bytes cannot be read on. What happens below the session comes after. */
export function isInboundFault(error: unknown): boolean {
  return error instanceof DamagedPacket || error instanceof SenselessMessage || error instanceof Disconnected;
}

/** RFC 4253, section 11.1, from 1. */
const reasons = [
  "this host may not connect",
  "protocol error",
  "the key exchange failed",
  "reserved",
  "a packet arrived damaged there",
  "compression error",
  "service not available",
  "protocol version not supported",
  "host key not verifiable",
  "connection lost",
  "the server wanted it",
  "too many connections",
  "the login was cancelled",
  "no login method is left",
  "no such user",
] as const;

type Faulty = Pick<ProtocolView, "parse" | "_decipher" | "_onError"> & {
  readonly _handlers: Pick<ProtocolView["_handlers"], "DISCONNECT">;
};

/** Call this before the stream's first bytes. After the first fault nothing more is read. */
export function nameFaults(protocol: Faulty): void {
  const parse = protocol.parse.bind(protocol);
  const reading: Reading = { isInside: false };
  watchDeciphers(protocol, (decipher) => watchContent(decipher, reading));
  const stop = () => {
    protocol.parse = () => {};
  };
  protocol.parse = (chunk, start, end) => {
    reading.isInside = false;
    try {
      parse(chunk, start, end);
    } catch (error) {
      stop();
      throw named(error, protocol._decipher !== undefined, reading.isInside);
    }
  };
  // ssh2 is silent about reason 11, and makes up texts for the other reasons.
  protocol._handlers.DISCONNECT = (_self, reason, text) => {
    stop();
    protocol._onError(new Disconnected(reason, text ?? ""));
  };
}

function named(error: unknown, isGreeted: boolean, isInside: boolean): unknown {
  if (!isGreeted || error instanceof PorthopError) return error;
  // A packet with more padding than bytes gives a content of negative length.
  if (isInside || error instanceof RangeError)
    return new SenselessMessage("the server sent a message that makes no sense", { cause: error });
  // The words of lib/protocol/crypto.js. What else is thrown there comes from the runtime's check of a code.
  const isLength = error instanceof Error && error.message.startsWith("Bad packet length");
  return new DamagedPacket(isLength ? "its length makes no sense" : "its authentication code is wrong", {
    cause: error,
  });
}

interface Reading {
  /** True from the moment when a packet was found whole until its content was read. Stays true when that throws. */
  isInside: boolean;
}

/** A decipher hands on the content of each packet. ssh2 gives one decipher new listeners. */
function watchContent(decipher: DecipherView, reading: Reading): void {
  let take = decipher._onPayload;
  const watched: DecipherView["_onPayload"] = (payload) => {
    reading.isInside = true;
    const result = take(payload);
    reading.isInside = false;
    return result;
  };
  Object.defineProperty(decipher, "_onPayload", {
    configurable: true,
    enumerable: true,
    get: () => watched,
    set: (next: DecipherView["_onPayload"]) => {
      take = next;
    },
  });
}
