/**
 * Cuts the text of a forward into its fields, as parse_fwd_field of OpenSSH's readconf.c does: colons separate,
 * brackets keep a field whole, a backslash makes the next character literal, and a field with a slash is a path.
 */
import { isIP } from "node:net";
import { quoted } from "../../text/terminal-text.ts";
import { hostFlaw } from "../host-port.ts";
import { Malformed } from "../malformed.ts";

export interface Field {
  readonly text: string;
  /** True for the path of a unix socket: a field with a slash that has no backslash in front. */
  readonly isPath: boolean;
}

export function splitFields(text: string): Field[] {
  const fields: Field[] = [];
  let start = 0;
  for (;;) {
    const { field, end } = text[start] === "[" ? bracketed(text, start) : plain(text, start);
    fields.push(field);
    if (end >= text.length) return fields;
    start = end + 1;
  }
}

/**
 * The older form `bind/port/host/hostport`, made for IPv6 addresses without brackets (OpenSSH until 6.6). Undefined
 * when the text does not have that form: each port must be digits, each host a valid host. A text that today's ssh
 * reads as `port:path` never has the older form, and a text with a leading `/` or `.` is always a path.
 */
export function slashFields(text: string): Field[] | undefined {
  if (!text.includes("/") || /^[/.]|\\/.test(text)) return undefined;
  const parts = text.split("/", 5);
  if (parts.length > 4) return undefined;
  const fields = parts.map((part, index) => {
    const isPort = (parts.length - index) % 2 === 1;
    return isPort ? digits(part) : host(part);
  });
  return fields.every((field) => field !== undefined) ? fields : undefined;
}

/**
 * Prints a path as a field, with a backslash before `\`, `:`, and a leading `[` or blank, so that it reads as one path.
 */
export function printPathField(path: string): string {
  const escaped = path.replace(/[\\:]/g, "\\$&");
  return /^[[\s]/.test(escaped) ? `\\${escaped}` : escaped;
}

function bracketed(text: string, start: number): { field: Field; end: number } {
  const close = text.indexOf("]", start);
  if (close === -1) throw new Malformed(`${quoted(text.slice(start))} lacks its "]"`);
  const end = close + 1;
  if (end < text.length && text[end] !== ":") {
    throw new Malformed(`${quoted(text.slice(start))} goes on after the "]" without a ":"`);
  }
  const inside = text.slice(start + 1, close);
  return { field: { text: inside, isPath: inside.includes("/") }, end };
}

function plain(text: string, start: number): { field: Field; end: number } {
  let field = "";
  let isPath = false;
  let at = start;
  for (; at < text.length && text[at] !== ":"; at++) {
    if (text[at] === "\\") {
      at++;
      if (at === text.length) throw new Malformed("it ends in a backslash that escapes nothing");
    } else if (text[at] === "/") {
      isPath = true;
    }
    field += text[at];
  }
  return { field: { text: field, isPath }, end: at };
}

function digits(part: string): Field | undefined {
  return /^\d+$/.test(part) ? { text: part, isPath: false } : undefined;
}

function host(part: string): Field | undefined {
  const inside = part.startsWith("[") && part.endsWith("]") ? part.slice(1, -1) : part;
  if (inside !== part && isIP(inside) !== 6) return undefined;
  return hostFlaw(inside) === undefined ? { text: inside, isPath: false } : undefined;
}
