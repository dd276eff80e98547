/**
 * The header fields of a plain request to an HTTP proxy, and those that go on to the target. Whatever two programs could
 * read in two ways is refused: no request may hide in another one (RFC 9112, section 11.2).
 */
import { quoted } from "../../text/terminal-text.ts";
import { Malformed } from "../malformed.ts";
import { Unsupported } from "./http-refusal.ts";

interface HttpField {
  readonly name: string;
  /** The name in lower case. */
  readonly key: string;
  readonly value: string;
}

/** Where the body of a request ends: after so many bytes, or at the end of its chunks. */
export type BodyFraming = { readonly length: number } | "chunked";

export interface ForwardedFields {
  /** The lines for the target. */
  readonly lines: readonly string[];
  readonly body: BodyFraming;
  /** True when the client asks to speak another protocol after this request, and the target hears of it. */
  readonly upgrades: boolean;
}

/**
 * Reads the lines of a request of HTTP/1.`minor`. `authority` becomes the Host field, whatever the client's says (RFC
 * 9112, section 3.2.2). Throws Malformed.
 *
 * No Via field is added (RFC 9110, section 7.6.3, asks for one): the target of a forward sees what it would see of a
 * program on the machine that dials, and nginx compresses nothing for those who come with a Via.
 */
export function forwardedFields(
  lines: readonly string[],
  method: string,
  minor: number,
  authority: string,
): ForwardedFields {
  const fields = lines.map(readField);
  const named = new Map<string, string[]>();
  for (const { key, value } of fields) {
    const values = named.get(key);
    if (values === undefined) named.set(key, [value]);
    else values.push(value);
  }
  if ((named.get("host")?.length ?? 0) > 1) throw new Malformed("the request has more than one Host");
  const body = framing(named, minor);
  const listed = new Set(tokens(named.get("connection")));
  const upgrade = minor > 0 && listed.has("upgrade") ? upgradeOf(named.get("upgrade")) : undefined;
  const kept = fields.filter(({ key }) => goesOn(key, listed)).map((field) => fieldLine(field, method));
  const connection = upgrade === undefined ? ["Connection: close"] : [`Upgrade: ${upgrade}`, "Connection: Upgrade"];
  return { lines: [`Host: ${authority}`, ...kept, ...connection], body, upgrades: upgrade !== undefined };
}

/**
 * A line folded over two (obs-fold) begins with a blank, and is no field (RFC 9112, sections 5.1 and 5.2). What a line
 * says may be a secret, so that errors show the name of a field at most.
 */
function readField(line: string, index: number): HttpField {
  const colon = line.indexOf(":");
  const name = line.slice(0, Math.max(colon, 0));
  if (!token.test(name)) throw new Malformed(`line ${index + 2} of the request is no header field`);
  const value = withoutBlanks(line.slice(colon + 1));
  if (control.test(value)) throw new Malformed(`the header field ${quoted(name)} has a control character`);
  return { name, key: name.toLowerCase(), value };
}

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** A pattern would look at a row of blanks again from each of them. */
function withoutBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text[start])) start++;
  while (start < end && isBlank(text[end - 1])) end--;
  return text.slice(start, end);
}

function isBlank(character: string | undefined): boolean {
  return character === " " || character === "\t";
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that no field may have.
const control = /[\0-\x08\x0a-\x1f\x7f]/;

/** RFC 9112, section 6.3, and stricter: a request that has both fields, or one of them twice, is refused. */
function framing(named: ReadonlyMap<string, readonly string[]>, minor: number): BodyFraming {
  const coding = named.get("transfer-encoding");
  const length = named.get("content-length");
  if (coding !== undefined && length !== undefined) {
    throw new Malformed("the request has both Content-Length and Transfer-Encoding");
  }
  if (coding !== undefined) {
    if (minor === 0) throw new Malformed("HTTP/1.0 has no Transfer-Encoding");
    if (coding.length === 1 && coding[0]?.toLowerCase() === "chunked") return "chunked";
    throw new Unsupported(`Transfer-Encoding ${quoted(coding.join(", "))} is not supported, only chunked`);
  }
  if (length === undefined) return { length: 0 };
  const text = length.join(", ");
  if (!/^\d{1,15}$/.test(text)) throw new Malformed(`Content-Length ${quoted(text)} is no number of bytes`);
  return { length: Number(text) };
}

function tokens(values: readonly string[] = []): readonly string[] {
  return values.flatMap((value) => value.split(",")).map((token) => token.trim().toLowerCase());
}

/**
 * The protocols that the client may speak after this request. Those that are HTTP again (h2c, TLS) are left out: their
 * later requests could be for other hosts. A server may always ignore an Upgrade (RFC 9110, section 7.8).
 */
function upgradeOf(values: readonly string[] = []): string | undefined {
  const protocols = values.flatMap((value) => value.split(",")).map((protocol) => protocol.trim());
  const kept = protocols.filter((protocol) => protocol !== "" && !/^(h2c|http|tls)/i.test(protocol));
  return kept.length === 0 ? undefined : kept.join(", ");
}

/**
 * RFC 9110, section 7.6.1. A field that says where the body ends goes on though Connection lists it: without it the
 * target would take the body for another request.
 */
function goesOn(key: string, listed: ReadonlySet<string>): boolean {
  if (key === "content-length" || key === "transfer-encoding") return true;
  return !ofOneConnection.has(key) && !key.startsWith("proxy-") && !listed.has(key);
}

/** Host is set anew. The others are about the connection between client and proxy. */
const ofOneConnection: ReadonlySet<string> = new Set(["host", "connection", "keep-alive", "te", "upgrade"]);

/** RFC 9110, section 7.6.2: a request that is looked for on its way stops at the proxy that the count ends at. */
function fieldLine({ name, key, value }: HttpField, method: string): string {
  if (key !== "max-forwards" || (method !== "TRACE" && method !== "OPTIONS")) return `${name}: ${value}`;
  if (!/^\d{1,9}$/.test(value)) throw new Malformed(`Max-Forwards ${quoted(value)} is no number`);
  if (Number(value) === 0) throw new Unsupported(`${method} with Max-Forwards 0 ends at this proxy`);
  return `${name}: ${Number(value) - 1}`;
}
