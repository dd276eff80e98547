/**
 * `NAME[:key=value,...]`, the text of --use and PorthopUse. NAME ends at the first colon. A name or value may stand in
 * double quotes; inside, a backslash makes the next `"` or `\` literal. Without quotes, a backslash makes the next `\`,
 * `"`, `:`, `,` or `=` literal, and is a plain backslash before any other character. In a value, `:` and `=` are
 * literal without quotes and without a backslash.
 */

import { quoted, visible } from "../../text/terminal-text.ts";
import { Malformed } from "../malformed.ts";

export interface PluginSpec {
  /** The name of a built-in plugin, or the path of a file as it was written. */
  readonly name: string;
  /** True when the name begins with `./`, `../`, `/` or a drive letter, or ends in .ts, .js or .mjs. */
  readonly isFile: boolean;
  /** In the order given, as text: readOptions checks them. */
  readonly options: ReadonlyMap<string, string>;
}

interface SpecPart {
  readonly text: string;
  /** The index of the character that ended the part; the length of the whole text when no character did. */
  readonly end: number;
}

const drive = /^[A-Za-z]:[\\/]/;

export function parsePluginSpec(text: string): PluginSpec {
  try {
    if (/[\p{Cc}\p{Cs}]/u.test(text)) throw new Malformed("it contains a control character");
    const name = readPart(text, 0, ":", drive.test(text) ? 2 : 0);
    return { ...checkName(name.text), options: readPairs(text, name.end) };
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new Malformed(`plugin ${visible(text, 200)}: ${error.message}`);
  }
}

export function printPluginSpec(spec: PluginSpec): string {
  const pairs = [...spec.options].map(([key, value]) => `${key}=${printPart(value, /^\s|[,"\\]|\s$/)}`);
  const name = printPart(spec.name, /^\s|[:"\\]|\s$/);
  return pairs.length === 0 ? name : `${name}:${pairs.join(",")}`;
}

function checkName(name: string): { name: string; isFile: boolean } {
  if (name === "") throw new Malformed("the name is missing, for example limit:rate=1MB/s");
  const isFile = /^\.{0,2}\/|\.(?:ts|js|mjs)$/.test(name) || drive.test(name);
  if (!isFile && !/^[a-z][\w-]*$/i.test(name)) {
    throw new Malformed(`${quoted(name)} is neither a plugin's name nor a file (which begins with ./ or /)`);
  }
  return { name, isFile };
}

function readPairs(text: string, colon: number): Map<string, string> {
  const options = new Map<string, string>();
  let at = colon;
  while (at < text.length) {
    const key = readPart(text, at + 1, "=,");
    if (key.text === "") throw new Malformed("an option is missing; they read key=value,key=value");
    if (!/^[a-z][\w-]*$/i.test(key.text)) throw new Malformed(`${quoted(key.text)} is no option's name`);
    if (text[key.end] !== "=") {
      throw new Malformed(`option ${quoted(key.text)} has no value: write ${visible(key.text, 40)}=VALUE`);
    }
    if (options.has(key.text)) throw new Malformed(`option ${quoted(key.text)} is given twice`);
    const value = readPart(text, key.end + 1, ",");
    options.set(key.text, value.text);
    at = value.end;
  }
  return options;
}

/**
 * The text up to one of the `stops`, without the blanks around it. The first `literal` characters never end the part.
 */
function readPart(text: string, start: number, stops: string, literal = 0): SpecPart {
  let at = start;
  while (text[at] === " ") at++;
  if (text[at] === '"') return readQuoted(text, at, stops);
  let part = "";
  for (; at < text.length; at++) {
    const next = text[at + 1];
    if (text[at] === "\\" && next !== undefined && '\\":,='.includes(next)) at++;
    else if (at >= start + literal && stops.includes(text[at] ?? "")) break;
    part += text[at];
  }
  return { text: part.trimEnd(), end: at };
}

function readQuoted(text: string, open: number, stops: string): SpecPart {
  let part = "";
  let at = open + 1;
  for (; text[at] !== '"'; at++) {
    if (at >= text.length) throw new Malformed(`${quoted(text.slice(open))} lacks its closing quote`);
    const next = text[at + 1];
    if (text[at] === "\\" && (next === '"' || next === "\\")) at++;
    part += text[at];
  }
  const rest = /^ */.exec(text.slice(at + 1))?.[0].length ?? 0;
  const end = at + 1 + rest;
  if (end < text.length && !stops.includes(text[end] ?? "")) {
    throw new Malformed(`${quoted(text.slice(end))} follows a closing quote`);
  }
  return { text: part, end };
}

function printPart(text: string, needsQuotes: RegExp): string {
  return needsQuotes.test(text) ? `"${text.replace(/["\\]/g, "\\$&")}"` : text;
}
