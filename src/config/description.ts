/**
 * The words of `run`, or of a pasted ssh, as the one description of a tunnel that all commands begin with. All flags of ssh
 * are read, also those that porthop does not have: whether porthop can do what is described is asked later (unsupported.ts).
 * No setting of a file counts, so that the description says what the words say and nothing else.
 */

import { Malformed } from "../codec/malformed.ts";
import { type ScannedFlag, scanArgv } from "../codec/words/argv.ts";
import { parseDestination } from "../codec/words/destination.ts";
import { visible } from "../text/terminal-text.ts";
import type { Relay, SshTunnel } from "../tunnel/tunnel-description.ts";
import { DescriptionReading } from "./description-reading.ts";
import { findKeyword, type Keyword } from "./file/keyword.ts";
import { readKeywordLine } from "./file/keyword-line.ts";
import { refuseMissingValues } from "./missing-value.ts";
import { relayFlags, runTable } from "./run-flags.ts";
import { asUsage } from "./usage.ts";

/** What the words alone do not say. */
export interface Surroundings {
  /** Replaces each `${NAME}` in a forward by what the environment holds. */
  fillVariables(text: string): string;
  /** Whether the configuration has a Host of this name. `file` is the value of -F. */
  hasHost(name: string, file: string | undefined): boolean;
}

const none: Surroundings = { fillVariables: (text) => text, hasHost: () => false };

export function describeTunnel(words: readonly string[], around = none): SshTunnel {
  return asUsage(hintFor("run"), () => readTunnel(words, around));
}

/** Describes the words of `porthop relay`, which has those flags of run that need no session. */
export function describeRelay(words: readonly string[], around: Pick<Surroundings, "fillVariables"> = none): Relay {
  return asUsage(hintFor("relay"), () => readRelay(words, around));
}

/** Whether the words ask for help, whatever else they say. */
export function wantsHelp(words: readonly string[], command: "run" | "relay"): boolean {
  const { flags } = asUsage(hintFor(command), () => scanArgv(words, runTable));
  return flags.some(({ flag }) => flag === "h" || flag === "help");
}

function hintFor(command: "run" | "relay"): string {
  return `porthop ${command} --help shows the flags`;
}

function readTunnel(words: readonly string[], around: Surroundings): SshTunnel {
  const { flags, flagsBefore, destination: written, command } = scanArgv(words, runTable);
  refuseMissingValues(flags);
  if (written === undefined) throw noDestination(flags, around);
  const file = flags.findLast(({ flag }) => flag === "F")?.value;
  const destination = parseDestination(written, (name) => around.hasHost(name, file));
  const reading = new DescriptionReading(around.fillVariables);
  for (const flag of flags.slice(0, flagsBefore)) reading.take(flag);
  reading.takeDestination(destination);
  for (const flag of flags.slice(flagsBefore)) reading.take(flag);
  return reading.tunnel(destination.host, command);
}

/** A flag that is wrong by itself is told first: `-Q cipher` and `-V` want no destination, with ssh. */
function noDestination(flags: readonly ScannedFlag[], around: Surroundings): Malformed {
  const reading = new DescriptionReading(around.fillVariables);
  for (const flag of flags) reading.take(flag);
  return new Malformed("no destination: whom to log in to, [user@]host[:port]");
}

/** The keywords that mean something without a session. */
const relayKeywords: ReadonlySet<Keyword> = new Set<Keyword>([
  "AddressFamily",
  "ConnectTimeout",
  "ExitOnForwardFailure",
  "GatewayPorts",
  "LogLevel",
  "StreamLocalBindMask",
  "StreamLocalBindUnlink",
]);

function readRelay(words: readonly string[], { fillVariables }: Pick<Surroundings, "fillVariables">): Relay {
  // Scanned with the table of run: a flag that only run has then takes its value along, and the error names that flag.
  const { flags, destination, command } = scanArgv(words, runTable);
  for (const flag of flags) refuseSession(flag);
  const extra = [...(destination === undefined ? [] : [destination]), ...command].join(" ");
  if (extra !== "") {
    throw new Malformed(`a relay logs in to nobody: ${visible(extra, 100)} is one word too many`);
  }
  const reading = new DescriptionReading(fillVariables);
  for (const flag of flags) reading.take(flag);
  return reading.relay();
}

function refuseSession({ flag, value = "", text }: ScannedFlag): void {
  if (![...relayFlags.short, ...relayFlags.long].some(({ name }) => name === flag)) {
    throw new Malformed(`${visible(text, 100)}: a relay has no ssh session, and so not this flag`);
  }
  if (flag !== "o") return;
  const keyword = findKeyword(readKeywordLine(value).name);
  if (keyword !== undefined && !relayKeywords.has(keyword)) {
    throw new Malformed(`-o ${keyword}: a relay has no ssh session, and so not this keyword`);
  }
}
