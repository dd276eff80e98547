/**
 * The value that a line of a configuration file gives to a keyword. A command reaches to the end of its line, a list has
 * several words, and all else is one word, which ssh insists on as well ("extra arguments at end of line").
 */
import { type ConfigLine, quoteArgument } from "../../codec/config/config-line.ts";
import { parsePort } from "../../codec/host-port.ts";
import { Malformed } from "../../codec/malformed.ts";
import { quoted } from "../../codec/terminal-text.ts";
import { parseUser } from "../../codec/words/destination.ts";
import { named } from "../given.ts";
import { type Keyword, type Keywords, keywords as readings } from "./keyword.ts";
import { checkReading, type Reading } from "./keyword-value.ts";

/** In a block that does not apply a value is only looked at, where ssh and porthop judge it alike. */
export function addConfigLine(keywords: Keywords, keyword: Keyword, line: ConfigLine, isActive: boolean): void {
  const reading: Reading = readings[keyword];
  if (keyword === "SendEnv") {
    for (const name of sendEnvNames(line)) if (isActive) keywords.addQuietly(keyword, name);
  } else if (reading === "list" || reading === "remote-open") {
    if (isActive) keywords.addList(keyword, needed(keyword, line.arguments));
  } else {
    const value = valueIn(keyword, reading, line);
    if (isActive) addChecked(keywords, keyword, value);
    else if (Array.isArray(reading) || reading === "yes-no" || reading === "seconds")
      checkReading(keyword, reading, value);
  }
}

const commands: ReadonlySet<Keyword> = new Set(["ProxyCommand", "RemoteCommand"]);

function valueIn(keyword: Keyword, reading: Reading, line: ConfigLine): string {
  if (commands.has(keyword)) return line.rest.replace(/^[ \t\r\n=]+/, "");
  if (reading === "jumps") return (line.rest.replace(/^[ \t\r\n=]+/, "").split("#", 1)[0] ?? "").trimEnd();
  if (reading === "forward") return line.arguments.map(quoteArgument).join(" ");
  if (reading === "ignored") return line.arguments.join(" ");
  const [value, extra] = needed(keyword, line.arguments);
  if (value === undefined || value === "") throw new Malformed(`${keyword}: the value is empty`);
  if (extra !== undefined) throw new Malformed(`${keyword}: ${quoted(extra)} is one word too many`);
  return value;
}

function addChecked(keywords: Keywords, keyword: Keyword, value: string): void {
  // Later they are no longer known to be of this line.
  if (keyword === "User") parseUser(value);
  else if (keyword === "Port") named(keyword, () => parsePort(value));
  keywords.addQuietly(keyword, value);
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
