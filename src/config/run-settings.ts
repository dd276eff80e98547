/**
 * The words of `porthop run` as settings: flags and -o keywords put together as ssh does it, checked, with defaults.
 * Nothing is opened or connected here; whatever is wrong with the words is a usage error that names the word.
 */

import { parsePort } from "../codec/host-port.ts";
import { Malformed } from "../codec/malformed.ts";
import { type ScannedFlag, scanArgv } from "../codec/words/argv.ts";
import { type Destination, parseDestination, parseUser } from "../codec/words/destination.ts";
import { visible } from "../text/terminal-text.ts";
import { type CarryingSettings, capturesToStdout, readCarrying } from "./carrying-settings.ts";
import { type CommandSettings, readCommand } from "./command-settings.ts";
import type { ConfigSources } from "./file/config-sources.ts";
import { addOption } from "./file/config-value.ts";
import { Keywords } from "./file/keyword.ts";
import { type Forward, readForwards } from "./forward.ts";
import { Given, named } from "./given.ts";
import { asSaid, configuredForwards, type HopSettings, readConfiguration } from "./run-configuration.ts";
import { isMissing, runTable } from "./run-flags.ts";
import { asUsage } from "./usage.ts";
import { addJumps, readWay, type WaySettings } from "./way-settings.ts";

export interface RunSettings extends CarryingSettings {
  readonly help: boolean;
  readonly destination: Destination;
  readonly forwards: readonly Forward[];
  readonly keywords: Keywords;
  /** -i, in the order given. */
  readonly identityFiles: readonly string[];
  readonly way: WaySettings;
  /** --ask-server: small commands may run on the server that nobody asked for. */
  readonly asksServer: boolean;
  /** What runs on the server; without it only the forwards are wanted (-N). */
  readonly remote: CommandSettings | undefined;
  /** What the configuration says of a jump host; undefined when none was read. */
  readonly hopSettings?: (jump: Destination) => HopSettings;
}

/** `files` is where the configuration is read from; without them only the words count. */
export function readRunSettings(words: readonly string[], files?: ConfigSources): RunSettings {
  return asUsage("porthop run --help shows the flags", () => readWords(words, files));
}

function readWords(words: readonly string[], files: ConfigSources | undefined): RunSettings {
  const { flags: typed, flagsBefore, destination: written, command } = scanArgv(words, runTable);
  const help = typed.some(({ flag }) => flag === "h" || flag === "help");
  refuseMissing(new Given(typed));
  if (!help && written === undefined) throw new Malformed("no destination: whom to log in to, [user@]host[:port]");
  const destination = parseDestination(written ?? "localhost");
  const keywords = readKeywords(typed, flagsBefore, destination);
  const configuration = help ? undefined : readConfiguration(destination.host, keywords, typed, files);
  const given = new Given(configuration?.flags ?? typed);
  const gatewayPorts = given.has("g") || keywords.flag("GatewayPorts", false);
  const forwards = readForwards(typed, gatewayPorts, configuration?.forwards ?? configuredForwards(keywords));
  const isStdio = forwards.some(({ kind }) => kind === "stdio");
  // As ProxyCommand of another ssh, its stderr is that ssh's: what goes well is not said there.
  // The same goes for a command, whose own stderr it is.
  const remote = readCommand(given, keywords, command);
  const carrying = readCarrying(given, keywords, isStdio || remote !== undefined ? "warn" : "info");
  if (isStdio) refuseBesideStdio(carrying, remote);
  else if (remote !== undefined) refuseBesideCommand(carrying);
  return {
    ...carrying,
    help,
    destination: asSaid(destination, keywords),
    forwards,
    keywords,
    identityFiles: given.values("i"),
    way: readWay(keywords),
    asksServer: given.has("ask-server") || keywords.flag("PorthopAskServer", false),
    remote,
    ...(configuration === undefined ? {} : { hopSettings: configuration.hopSettings }),
  };
}

function refuseMissing(given: Given): void {
  const missing = given.inOrder().find(({ flag }) => flag.length === 1 && isMissing(flag));
  if (missing !== undefined) {
    throw new Malformed(`porthop does not have ssh's flag -${missing.flag} yet (${visible(missing.text, 100)})`);
  }
}

/** Its stdout is the command's. */
function refuseBesideCommand({ json, plugins }: CarryingSettings): void {
  if (json) throw new Malformed("--json and a command cannot both have stdout");
  if (capturesToStdout(plugins)) throw new Malformed("--capture - and a command cannot both have stdout");
}

/** With -W stdin and stdout are the flow's. */
function refuseBesideStdio({ json, background, plugins }: CarryingSettings, remote: CommandSettings | undefined): void {
  if (remote !== undefined) throw new Malformed("-W and a command cannot both have stdin and stdout");
  if (json) throw new Malformed("--json and -W cannot both have stdout");
  if (capturesToStdout(plugins)) throw new Malformed("--capture - and -W cannot both have stdout");
  if (background) throw new Malformed("-f and -W: a program in the background has no stdin");
}

/**
 * The flags that stand for a keyword, each as ssh.c's main sets it, in the order given. Of -o, -p, -l and the destination
 * the first wins (`bob@host -l alice` is bob, `-l alice bob@host` is alice); the others take the place of what was said.
 */
function readKeywords(flags: readonly ScannedFlag[], flagsBefore: number, destination: Destination): Keywords {
  const keywords = new Keywords();
  for (const [index, { flag, value, text }] of flags.entries()) {
    if (index === flagsBefore) addDestination(keywords, destination);
    const needed = value ?? "";
    if (flag === "o") addOption(keywords, needed);
    else if (flag === "p") keywords.add("Port", String(portOf(needed)));
    else if (flag === "l") keywords.add("User", parseUser(needed));
    else if (flag === "J") addJumps(keywords, needed);
    else if (flag === "b") keywords.put("BindAddress", needed);
    else if (flag === "c") keywords.put("Ciphers", needed);
    else if (flag === "m") keywords.put("MACs", needed);
    else if (flag === "4") keywords.put("AddressFamily", "inet");
    else if (flag === "6") keywords.put("AddressFamily", "inet6");
    else if (flag === "C") keywords.put("Compression", "yes");
    else if (flag === "i" && needed === "") throw new Malformed(`${visible(text)}: the file is missing`);
  }
  addDestination(keywords, destination);
  return keywords;
}

/** Where it was added already the first value stays. */
function addDestination(keywords: Keywords, { user, port }: Destination): void {
  if (user !== undefined) keywords.add("User", user);
  if (port !== undefined) keywords.add("Port", String(port));
}

function portOf(text: string): number {
  return named(`-p ${text}`, () => parsePort(text));
}
