/** One `Keyword=value` of -o as it stands: the name in the spelling of ssh_config(5), the value with its quotes. */
import { Malformed } from "../../codec/malformed.ts";
import { quoted } from "../../text/terminal-text.ts";
import type { KeywordLine } from "../../tunnel/tunnel-description.ts";
import { keywords } from "./keyword.ts";
import { otherNames } from "./other-keywords.ts";

/** Keywords that porthop does not know are read too: ssh may know them. */
export function readKeywordLine(text: string): KeywordLine {
  const [, name, rest = ""] = /^\s*([A-Za-z0-9]+)(?=[\s=])(.*)$/s.exec(text) ?? [];
  // One "=" may stand between name and value, with blanks on both sides (OpenSSH's misc.c, strdelim).
  const value = rest.replace(/^\s*=?\s*/, "").trimEnd();
  if (name === undefined || value === "") throw new Malformed(`-o ${quoted(text)} is not Keyword=value`);
  if (inFilesOnly.has(name.toLowerCase())) throw new Malformed(`-o ${name}: this stands in a configuration file only`);
  return { name: spelling.get(name.toLowerCase()) ?? name, value };
}

/** The text after -o that reads as this line. */
export function printKeywordLine({ name, value }: KeywordLine): string {
  return `${name}=${value}`;
}

const inFilesOnly = new Set(["host", "include", "match"]);

const spelling: ReadonlyMap<string, string> = new Map(
  [...Object.keys(keywords), ...otherNames()].map((name) => [name.toLowerCase(), name]),
);
