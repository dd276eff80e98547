/**
 * The words of `porthop relay` as settings. Its flags are those of `run` that mean something without ssh; another one of
 * run's is a usage error that says so.
 */

import { Malformed } from "../codec/malformed.ts";
import { scanArgv } from "../codec/words/argv.ts";
import { visible } from "../text/terminal-text.ts";
import { type CarryingSettings, readCarrying } from "./carrying-settings.ts";
import { addOption } from "./file/config-value.ts";
import { type Keyword, Keywords } from "./file/keyword.ts";
import { type Forward, readForwards } from "./forward.ts";
import { Given } from "./given.ts";
import { porthopFlags, type RunFlag, runTable, sshFlags } from "./run-flags.ts";
import { asUsage } from "./usage.ts";

export interface RelaySettings extends CarryingSettings {
  readonly help: boolean;
  readonly forwards: readonly Forward[];
  readonly keywords: Keywords;
}

/** Of ssh's letters and of porthop's options those that need no session. */
const letters = new Set(["L", "g", "4", "6", "f", "o", "q", "v", "E", "h"]);
const withSession = new Set(["no-nagle-cure", "ask-server", "capture-keys", "check-target", "reconnect", "hold"]);

export const relayFlags: { readonly short: readonly RunFlag[]; readonly long: readonly RunFlag[] } = {
  short: sshFlags
    .filter(({ name }) => letters.has(name))
    .map((flag) => (flag.name === "L" ? { ...flag, about: "forward a port here to host:hostport" } : flag)),
  long: porthopFlags.filter(({ name }) => !withSession.has(name)),
};

const keywordsHere: ReadonlySet<Keyword> = new Set<Keyword>([
  "AddressFamily",
  "ConnectTimeout",
  "ExitOnForwardFailure",
  "GatewayPorts",
  "LogLevel",
  "StreamLocalBindMask",
  "StreamLocalBindUnlink",
]);

export function readRelaySettings(words: readonly string[]): RelaySettings {
  return asUsage("porthop relay --help shows the flags", () => readWords(words));
}

function readWords(words: readonly string[]): RelaySettings {
  // With run's table a flag of run's takes its value along, and is named as what it is.
  const { flags, destination, command } = scanArgv(words, runTable);
  const given = new Given(flags);
  refuseSsh(given);
  const extra = [...(destination === undefined ? [] : [destination]), ...command].join(" ");
  if (extra !== "") {
    throw new Malformed(`a relay logs in to nobody: ${visible(extra, 100)} is one word too many`);
  }
  const keywords = readKeywords(given);
  const forwards = readForwards(flags, given.has("g") || keywords.flag("GatewayPorts", false));
  return {
    ...readCarrying(given, keywords),
    help: given.has("h") || given.has("help"),
    forwards: forwards.map((forward) => ({ ...forward, kind: "relay" })),
    keywords,
  };
}

function refuseSsh(given: Given): void {
  const known = new Set([...relayFlags.short, ...relayFlags.long].map(({ name }) => name));
  const other = given.inOrder().find(({ flag }) => !known.has(flag));
  if (other === undefined) return;
  throw new Malformed(`${visible(other.text, 100)}: a relay has no ssh session, and so not this flag`);
}

function readKeywords(given: Given): Keywords {
  const keywords = new Keywords();
  for (const { flag, value = "" } of given.inOrder()) {
    if (flag === "o") addOption(keywords, value);
    else if (flag === "4") keywords.put("AddressFamily", "inet");
    else if (flag === "6") keywords.put("AddressFamily", "inet6");
  }
  const other = keywords.given().find((keyword) => !keywordsHere.has(keyword));
  if (other !== undefined) throw new Malformed(`-o ${other}: a relay has no ssh session, and so not this keyword`);
  return keywords;
}
