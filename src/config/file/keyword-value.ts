/** How the value of each kind of keyword is written, and what is wrong with a value that is not of its kind. */
import { parseAlgorithmList } from "../../codec/config/algorithm-list.ts";
import { type AlgorithmKind, isAlgorithmKind } from "../../codec/config/openssh-algorithms.ts";
import { parseRekeyLimit } from "../../codec/config/rekey-limit.ts";
import { parseRemoteOpen } from "../../codec/config/remote-open.ts";
import { hostFlaw, parseTrustedName } from "../../codec/host-port.ts";
import { Malformed } from "../../codec/malformed.ts";
import { escapeOf } from "../../codec/session/escape-character.ts";
import { isSshTime, parseDuration, parseRate } from "../../codec/units.ts";
import { parseDestination } from "../../codec/words/destination.ts";
import { parseJumpList } from "../../codec/words/jump-list.ts";
import { parsePluginSpec } from "../../codec/words/plugin-spec.ts";
import { quoted } from "../../text/terminal-text.ts";
import { checkForward, type ForwardKeyword } from "./config-forward.ts";

/** The kind of a value. */
export type Reading =
  | AlgorithmKind
  | "agent-keys"
  | "rekey-limit"
  | "text"
  | "file"
  | "host"
  | "name"
  | "jumps"
  | "command"
  | "list"
  | "remote-open"
  | "forward"
  | "plugin"
  | "rate"
  | "duration"
  | "destination"
  | "yes-no"
  | "number"
  | "count"
  | "octal"
  | "escape"
  | "seconds"
  | readonly string[];

const yesNo: ReadonlySet<string> = new Set(["yes", "no", "true", "false"]);

/** Throws Malformed when the keyword does not accept the value. */
export function checkReading(keyword: string, reading: Reading, value: string): void {
  const lower = value.toLowerCase();
  const expect = (is: boolean, what: string) => {
    if (!is) throw new Malformed(`${keyword}: ${quoted(value)} is not ${what}`);
  };
  if (typeof reading === "object") expect(reading.includes(lower), choicesText(reading));
  else if (reading === "yes-no") expect(yesNo.has(lower), "yes or no");
  else if (reading === "number") expect(/^\d{1,9}$/.test(value), "a number");
  else if (reading === "count") expect(/^0*[1-9]\d{0,8}$/.test(value), "a number from 1 on");
  // As in misc.c: strtol to base 8, at most 0777.
  else if (reading === "octal") expect(/^0{0,10}[0-7]{1,3}$/.test(value), "an octal number up to 0777");
  else if (reading === "escape") expect(escapeOf(value) !== null, "one character, ^ and one, or none");
  else if (reading === "host") refuseFlaw(keyword, hostFlaw(value));
  else if (reading === "name") naming(keyword, () => parseTrustedName(value));
  else if (reading === "jumps") parseJumpList(value);
  else if (reading === "remote-open") parseRemoteOpen(words(value));
  else if (reading === "forward") checkForward(keyword as ForwardKeyword, value);
  else if (reading === "plugin") parsePluginSpec(value);
  else if (reading === "rate") parseRate(value);
  else if (reading === "duration") naming(keyword, () => parseDuration(value));
  else if (reading === "destination") naming(keyword, () => (lower === "none" ? undefined : parseDestination(value)));
  else if (reading === "rekey-limit") naming(keyword, () => parseRekeyLimit(value.split(" ")));
  else if (reading === "seconds") expect(value === "none" || isSshTime(value), "a time such as 30 or 1m30s, or none");
  else if (isAlgorithmKind(reading)) naming(keyword, () => parseAlgorithmList(reading, value));
}

function choicesText(choices: readonly string[]): string {
  if (choices.every((choice) => /^\d+$/.test(choice))) return `a number from ${choices[0]} to ${choices.at(-1)}`;
  return `one of ${choices.join(", ")}`;
}

function refuseFlaw(keyword: string, flaw: string | undefined): void {
  if (flaw !== undefined) throw new Malformed(`${keyword}: ${flaw}`);
}

/** Runs `read`. A Malformed from `read` gets the keyword's name in front. */
function naming(keyword: string, read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new Malformed(`${keyword}: ${error.message}`);
  }
}

/** Splits at blanks, except at blanks in quotes. */
export function words(text: string): readonly string[] {
  return (text.match(/"[^"]*"|'[^']*'|\S+/g) ?? []).map(unquote);
}

/** Removes one pair of quotes around the whole value. */
export function unquote(value: string): string {
  return /^("[^"]*"|'[^']*')$/.test(value) ? value.slice(1, -1) : value;
}
