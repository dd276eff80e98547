/**
 * Reads the value that a line of a configuration file, or of -o, gives to a keyword. A command reaches to the end of
 * the line. A list has several words. All other values are one word; ssh refuses more too ("extra arguments at end of
 * line").
 */
import { type ConfigLine, parseConfigLine, quoteArgument } from "../../codec/config/config-line.ts";
import { parseRekeyLimit } from "../../codec/config/rekey-limit.ts";
import { Malformed } from "../../codec/malformed.ts";
import { parseServicePort } from "../../codec/service-port.ts";
import { parseUser } from "../../codec/words/destination.ts";
import { didYouMean } from "../../text/nearest.ts";
import { quoted, visible } from "../../text/terminal-text.ts";
import { named } from "../flag-in-message.ts";
import { findKeyword, type Keyword, keywords as readings } from "./keyword.ts";
import type { Keywords } from "./keyword-record.ts";
import { checkReading, type Reading } from "./keyword-value.ts";
import { besideConfiguration } from "./named-files.ts";
import { findOther, type OtherKeyword, otherNames } from "./other-keywords.ts";
import { readOtherValue } from "./other-values.ts";

/**
 * Adds `Keyword=value` or `Keyword value` of -o, which ssh reads like a line of a file (ssh.c, main). Throws Malformed.
 */
export function addOption(keywords: Keywords, text: string): void {
  const [, name, rest = ""] = /^\s*([A-Za-z0-9]+)(?=[\s=])(.*)$/s.exec(text) ?? [];
  const line = rest.replace(/^\s*=?\s*/, "") === "" ? undefined : parseConfigLine(text);
  if (name === undefined || line === undefined) throw new Malformed(`-o ${quoted(text)} is not Keyword=value`);
  const keyword = findKeyword(name);
  const other = findOther(name);
  if (keyword !== undefined) addConfigLine(keywords, keyword, line, true);
  else if (other !== undefined) noteTyped(keywords, other, readOtherValue(other.name, other.shape, line));
  else throw unknownKeyword(name);
}

/** The value of a typed keyword that porthop does not have. */
export function typedValue(other: OtherKeyword, text: string): string {
  const line = parseConfigLine(text);
  return line === undefined ? "" : readOtherValue(other.name, other.shape, line);
}

/** A keyword that porthop does not have was typed, as an -o or as its flag: what has no effect is told. */
export function noteTyped(keywords: Keywords, other: OtherKeyword, value: string): void {
  const name = other.name.toLowerCase();
  if (keywords.others.has(name)) return;
  keywords.others.set(name, value);
  if (!other.isMet(value)) keywords.remarks.push(lackText(other));
}

export function lackText({ name, lack, hint }: OtherKeyword): string {
  return `porthop does not have ${name}: ${lack}${hint === undefined ? "" : ` (${hint})`}`;
}

/** For a word that is no keyword of ssh either. */
export function unknownKeyword(name: string): Malformed {
  const known = [...Object.keys(readings), ...otherNames()];
  return new Malformed(`-o ${visible(name, 80)}: porthop does not have this keyword${didYouMean(name, known)}`);
}

/**
 * When the block does not apply (`isActive` is false), the value is only checked, and only if ssh and porthop judge its
 * kind alike. `file` is the file with the line; undefined for the command line.
 */
export function addConfigLine(
  keywords: Keywords,
  keyword: Keyword,
  line: ConfigLine,
  isActive: boolean,
  file?: string,
): void {
  const reading: Reading = readings[keyword];
  if (keyword === "SendEnv") {
    for (const name of sendEnvNames(line)) if (isActive) keywords.add(keyword, name);
  } else if (reading === "list" || reading === "remote-open") {
    const list = listIn(keyword, line);
    if (isActive) keywords.addList(keyword, list);
  } else {
    const value = valueIn(keyword, reading, line);
    if (isActive) addChecked(keywords, keyword, value, file);
    else if (Array.isArray(reading) || reading === "yes-no" || reading === "seconds")
      checkReading(keyword, reading, value);
  }
}

const commands: ReadonlySet<Keyword> = new Set(["ProxyCommand", "RemoteCommand"]);

function valueIn(keyword: Keyword, reading: Reading, line: ConfigLine): string {
  if (commands.has(keyword)) return line.rest.replace(/^[ \t\r\n=]+/, "");
  if (reading === "jumps") return (line.rest.replace(/^[ \t\r\n=]+/, "").split("#", 1)[0] ?? "").trimEnd();
  if (reading === "forward") return line.arguments.map(quoteArgument).join(" ");
  if (reading === "rekey-limit") {
    named(keyword, () => parseRekeyLimit(line.arguments));
    return line.arguments.join(" ");
  }
  if (reading === "agent-keys") return readOtherValue(keyword, "agent keys", line);
  const [value, extra] = needed(keyword, line.arguments);
  if (value === undefined || value === "") throw new Malformed(`${keyword}: the value is empty`);
  if (extra !== undefined) throw new Malformed(`${keyword}: ${quoted(extra)} is one word too many`);
  return value;
}

function listIn(keyword: Keyword, line: ConfigLine): readonly string[] {
  const list = needed(keyword, line.arguments);
  if (list.includes("")) throw new Malformed(`${keyword}: the value is empty`);
  if (keyword === "SetEnv") return variablesIn(list);
  if (list.length > 1 && keyword.endsWith("KnownHostsFile") && list.some((path) => path.toLowerCase() === "none")) {
    throw new Malformed(`${keyword}: none must stand alone`);
  }
  return list;
}

/** When a variable has two values, the first counts (readconf.c, parse_keyvalue). */
function variablesIn(list: readonly string[]): readonly string[] {
  const wrong = list.find((word) => word.indexOf("=") < 1);
  if (wrong !== undefined) throw new Malformed(`SetEnv: ${quoted(wrong)} is not NAME=value`);
  const nameOf = (word: string) => word.slice(0, word.indexOf("="));
  return list.filter((word, index) => list.findIndex((other) => nameOf(other) === nameOf(word)) === index);
}

function addChecked(keywords: Keywords, keyword: Keyword, value: string, file: string | undefined): void {
  // These two are checked here, because here the line of the value is still known.
  if (keyword === "User") checkUser(value, file);
  // A name of a service ends here: tokens and comparisons need the number.
  const plain = keyword === "Port" ? String(named(keyword, () => parseServicePort(value))) : value;
  keywords.add(keyword, file === undefined ? plain : besideConfiguration(readings[keyword], plain, file));
}

/** What a file says is trusted, as in OpenSSH 10.1. Only the terminal must not be harmed by it. */
function checkUser(value: string, file: string | undefined): void {
  if (file === undefined) parseUser(value);
  else if (/\p{Cc}/u.test(value)) throw new Malformed(`User: ${quoted(value)} contains a control character`);
}

function sendEnvNames({ arguments: names }: ConfigLine): readonly string[] {
  const wrong = needed("SendEnv", names).find((name) => name === "" || name.includes("="));
  if (wrong !== undefined) throw new Malformed(`SendEnv: ${quoted(wrong)} is not the name of a variable`);
  return names;
}

function needed(keyword: Keyword, words: readonly string[]): readonly string[] {
  if (words.length === 0) throw new Malformed(`${keyword} has no value`);
  return words;
}
