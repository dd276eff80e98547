/**
 * Turns a tunnel description into the settings of `run` and `check`: flags, -o keywords, configuration files and
 * defaults, joined as ssh joins them. Nothing is opened or connected here.
 */

import { expandVariables } from "../codec/config/percent-tokens.ts";
import { Malformed } from "../codec/malformed.ts";
import type { Destination } from "../codec/words/destination.ts";
import { visible } from "../text/terminal-text.ts";
import { isThisMachine, loopsIn } from "../tunnel/loops.ts";
import { commandWords, type Extra, type SshTunnel } from "../tunnel/tunnel-description.ts";
import { type CarryingSettings, capturesToStdout, readCarrying } from "./carrying-settings.ts";
import { type CommandSettings, readCommand } from "./command-settings.ts";
import { defaults } from "./defaults.ts";
import { describeTunnel, type Surroundings } from "./description.ts";
import type { ConfigSources } from "./file/config-sources.ts";
import { hasHost } from "./file/host-names.ts";
import type { Keywords } from "./file/keyword-record.ts";
import { withConfiguredExtras } from "./file/porthop-keywords.ts";
import { allForwards, type Forward, nameForwards } from "./forward.ts";
import { type LinkSettings, readLink } from "./link-settings.ts";
import { asSaid, configuredForwards, flaggedFiles, type HopSettings, readConfiguration } from "./run-configuration.ts";
import { keywordsOf } from "./tunnel-keywords.ts";
import { refuseAsSsh, refuseImpossible, refuseUnsupported } from "./unsupported.ts";
import { asUsage } from "./usage.ts";
import { readWay, type WaySettings } from "./way-settings.ts";

export interface RunSettings extends CarryingSettings {
  readonly destination: Destination;
  readonly forwards: readonly Forward[];
  readonly keywords: Keywords;
  /** The files of -i, in the order given. */
  readonly identityFiles: readonly string[];
  readonly way: WaySettings;
  /** --ask-server: porthop may run small commands of its own on the server. */
  readonly asksServer: boolean;
  readonly link: LinkSettings;
  /** What runs on the server; undefined when only the forwards are wanted (-N). */
  readonly remote: CommandSettings | undefined;
  /** -N or ClearAllForwardings is said: the session is enough, also with nothing to forward. */
  readonly isBare: boolean;
  /** porthop's own options, those of the configuration included. */
  readonly extras: readonly Extra[];
  /** Reads what the configuration says of a jump host; undefined when no configuration was read. */
  readonly hopSettings?: (jump: Destination) => HopSettings;
  /** The same for a server of --fallback. */
  readonly fallbackSettings?: (fallback: Destination) => HopSettings;
}

const hint = "porthop run --help shows the flags";

/** `files` gives access to the configuration files. Without `files` only the words count. */
export function readRunSettings(words: readonly string[], files?: ConfigSources): RunSettings {
  return runSettings(describeTunnel(words, surroundingsOf(files)), files);
}

/** Throws a usage error that names the first word for something that porthop cannot do. */
export function runSettings(tunnel: SshTunnel, files?: ConfigSources): RunSettings {
  return asUsage(hint, () => {
    refuseUnsupported(tunnel);
    const settings = settingsOf(tunnel, files);
    refuseImpossible(tunnel, settings.keywords);
    settings.keywords.warnings.push(...loopWarnings(settings, files?.machine.host));
    return settings;
  });
}

/** The settings whether or not porthop can do all of them: for `command` and `explain`, which leave the work to ssh. */
export function tolerantSettings(tunnel: SshTunnel, files?: ConfigSources): RunSettings {
  return asUsage(hint, () => settingsOf(tunnel, files));
}

/** Nothing else would say it: the forwards stand, and each connection is one that never ends. */
function loopWarnings({ forwards, keywords, destination, way }: RunSettings, here = ""): readonly string[] {
  const sshd = { host: keywords.text("HostName") ?? destination.host, port: destination.port ?? defaults.port };
  const isDirect = way.jumps.length === 0 && way.proxyCommand === undefined;
  const isOne = isDirect && isThisMachine(sshd, [here, here.split(".")[0] ?? ""]);
  return loopsIn(forwards, isOne).map(({ forward, text }) => `${forward}: ${text}`);
}

/** What stands around the words on this machine; undefined without `files`. */
export function surroundingsOf(files: ConfigSources | undefined): Surroundings | undefined {
  if (files === undefined) return undefined;
  return {
    fillVariables: (text) => expandVariables(text, files.machine.environment),
    hasHost: (name, file) => hasHost(name, files, file),
  };
}

function settingsOf(tunnel: SshTunnel, files: ConfigSources | undefined): RunSettings {
  const keywords = keywordsOf(tunnel);
  const configuration = readConfiguration(tunnel, keywords, files);
  const specs = allForwards(tunnel.forwards, configuration?.forwards ?? configuredForwards(keywords));
  const isStdio = specs.some(({ kind }) => kind === "stdio");
  const remote = readCommand(tunnel, keywords);
  const extras = withConfiguredExtras(tunnel, keywords, files?.machine);
  // With -W stderr belongs to the ssh that runs porthop as its ProxyCommand, and with a command to the command. So
  // porthop reports only trouble there.
  const carrying = readCarrying(
    tunnel,
    extras,
    keywords,
    isStdio || remote !== undefined ? defaults.logLevelBesideData : defaults.logLevel,
  );
  refuseSharedStdout(carrying, isStdio, remote !== undefined);
  const isNone = saysNone(tunnel, keywords);
  refuseAsSsh(tunnel, keywords, { forwards: specs, remote, background: carrying.background, isNone });
  if (remote === undefined) remarkUnused(commandWords(tunnel), keywords);
  const destination = asSaid({ host: tunnel.host, user: undefined, port: undefined }, keywords);
  return {
    ...carrying,
    destination,
    forwards: nameForwards(specs, keywords.flag("GatewayPorts", defaults.gatewayPorts)),
    keywords,
    identityFiles: flaggedFiles(tunnel.identities),
    way: readWay(keywords),
    asksServer:
      extras.some(({ name }) => name === "ask-server") || keywords.flag("PorthopAskServer", defaults.askServer),
    link: readLink({
      extras,
      keywords,
      destination,
      once: isStdio ? "-W" : remote === undefined ? undefined : "a command",
      isAlone: isStdio || specs.length === 0,
      isHost: (name) => surroundingsOf(files)?.hasHost(name, tunnel.configFile) === true,
    }),
    remote,
    isBare: isNone || keywords.flag("ClearAllForwardings", defaults.clearAllForwardings),
    extras,
    ...(configuration === undefined
      ? {}
      : { hopSettings: configuration.hopSettings, fallbackSettings: configuration.fallbackSettings }),
  };
}

/** -N, in whatever words. */
function saysNone({ remote }: SshTunnel, keywords: Keywords): boolean {
  const isTyped = remote.kind === "none" && !remote.implied;
  return isTyped || keywords.text("SessionType")?.toLowerCase() === "none";
}

/** As ssh, porthop takes a command beside -N or -W and does not run it; ssh says nothing. */
function remarkUnused(command: readonly string[], keywords: Keywords): void {
  if (command.length === 0) return;
  const place = visible(keywords.placeOf("SessionType"), 200);
  keywords.remarks.push(`${place}the command is not run beside -N or -W: ${visible(command.join(" "), 100)}`);
}

/** Refuses other output on stdout, which belongs to the flow with -W and to the command with a command. */
function refuseSharedStdout({ json, plugins }: CarryingSettings, isStdio: boolean, isRun: boolean): void {
  if (!isStdio && !isRun) return;
  const owner = isStdio ? "-W" : "a command";
  if (json) throw new Malformed(`--json and ${owner} cannot both have stdout`);
  if (capturesToStdout(plugins)) throw new Malformed(`--capture - and ${owner} cannot both have stdout`);
}
