/**
 * A tunnel together with what the configuration files say of its server, joined exactly as `run` joins them. For texts
 * that explain the tunnel, for the command of another program, and for a Host block with another name. No program is
 * run for this: a Match exec counts as not met.
 */
import { quoteArgument } from "../codec/config/config-line.ts";
import { Malformed } from "../codec/malformed.ts";
import { type Destination, printDestination } from "../codec/words/destination.ts";
import { PorthopError } from "../errors.ts";
import {
  asksForShell,
  type Identity,
  type KeywordLine,
  plainTunnel,
  type Remote,
  type SshTunnel,
} from "../tunnel/tunnel-description.ts";
import { defaults } from "./defaults.ts";
import { fillPaths, forwardKeywords } from "./file/config-forward.ts";
import type { ConfigSources } from "./file/config-sources.ts";
import { type Keyword, keywords as readings } from "./file/keyword.ts";
import { Keywords } from "./file/keyword-record.ts";
import { findOther } from "./file/other-keywords.ts";
import { type Forward, forwardText } from "./forward.ts";
import { sshDefaults } from "./openssh-defaults.ts";
import { type RunSettings, tolerantSettings } from "./run-settings.ts";

export interface ResolvedTunnel {
  /**
   * The words alone, for a program that reads the configuration files itself. Only what runs on the server
   * follows from the words and the files.
   */
  readonly said: SshTunnel;
  /** The words, and all that the files add. */
  readonly effective: SshTunnel;
  /** The settings of `run`, also those that porthop cannot carry out. */
  readonly settings: RunSettings;
  /** What the files add, line by line. */
  readonly configured: readonly ConfiguredLine[];
  /** Lines of the files that were passed over, because nothing is run to learn whether they hold. */
  readonly skipped: readonly string[];
  /** Why the files could not be read: then only the words count. */
  readonly trouble: string | undefined;
}

export interface ConfiguredLine {
  readonly keyword: string;
  readonly value: string;
  /** `/home/anna/.ssh/config line 7` */
  readonly place: string;
}

/** Throws a PorthopError for words that make no sense. For files that make no sense, `trouble` has the reason. */
export function resolveTunnel(tunnel: SshTunnel, sources: ConfigSources): ResolvedTunnel {
  // The words must make sense also when the files cannot be read.
  const settings = tolerantSettings({ ...tunnel, configFile: "none" }, quietly(sources));
  try {
    return withFiles(tunnel, tolerantSettings(tunnel, quietly(sources)));
  } catch (error) {
    if (!(error instanceof PorthopError || error instanceof Malformed)) throw error;
    return { ...withFiles(tunnel, settings), trouble: error.message };
  }
}

function withFiles(tunnel: SshTunnel, settings: RunSettings): ResolvedTunnel {
  const remote = remoteOf(tunnel, settings);
  return {
    said: { ...tunnel, remote },
    effective: { ...effectiveTunnel(tunnel, settings, remote), jumps: passedHosts(tunnel, settings) },
    settings,
    configured: configuredLines(settings.keywords),
    skipped: settings.keywords.skipped,
    trouble: undefined,
  };
}

/**
 * The tunnel for a Host block called `name`: all of the effective tunnel that the files do not
 * already give to a host of that name.
 */
export function spelledOut(tunnel: SshTunnel, name: string, sources: ConfigSources): SshTunnel {
  const settings = tolerantSettings(tunnel, quietly(sources));
  const other = tolerantSettings(plainTunnel(name, []), quietly(sources));
  const own = settings.keywords;
  const known = new Set(other.forwards.map(({ spec }) => forwardText(spec)));
  const remote = remoteOf(tunnel, settings);
  const { user, port, jumps } = effectiveTunnel(tunnel, settings, remote);
  const host = hostNameOf(tunnel, own);
  const isOther = (keyword: Keyword) => own.text(keyword) !== other.keywords.text(keyword);
  const otherFiles = other.keywords.all("IdentityFile");
  const wayThere = jumps ?? (other.way.jumps.length > 0 ? [] : undefined);
  return {
    ...tunnel,
    user: tunnel.user ?? (isOther("User") ? (user ?? (sources.machine.user || undefined)) : undefined),
    port: tunnel.port ?? (isOther("Port") ? (port ?? defaults.port) : undefined),
    jumps: tunnel.jumps ?? (isOther("ProxyJump") ? wayThere : undefined),
    identities: [...tunnel.identities, ...fileIdentities(own, (file) => !otherFiles.includes(file))],
    forwards: forwardsOf(tunnel, settings)
      .filter(({ spec }) => !known.has(forwardText(spec)))
      // The tokens in the paths are already replaced, so that any % that is left is part of a name.
      .map(({ spec }) => fillPaths(spec, (path) => path.replaceAll("%", "%%")))
      .map((spec) => (spec.written?.includes("%") === true ? { ...spec, written: undefined } : spec)),
    keywords: [
      ...(host === undefined ? [] : [line("HostName", quoteArgument(host.replaceAll("%", "%%")))]),
      ...tunnel.keywords.filter((each) => each.name !== "HostName"),
      ...fileLines(own, remote, other.keywords),
      ...otherLines(own, other.keywords),
      ...usualLines(own, other.keywords, remote, host ?? tunnel.host),
    ],
    remote,
  };
}

/**
 * Lines for what only ssh has: a smart card, a login by Kerberos. A shared connection is one of the other Host, and what
 * ssh itself passes over is left out.
 */
function otherLines(own: Keywords, other: Keywords): readonly KeywordLine[] {
  const known = new Set(other.otherLines.map(({ name, value }) => `${name} ${value}`));
  return own.otherLines.filter(
    ({ name, value }) =>
      !/^Control/.test(name) && findOther(name)?.shape !== "anything" && !known.has(`${name} ${value}`),
  );
}

/** The usual value of each keyword that only the other one has. Without an alias a host key is known by the host's name. */
function usualLines(own: Keywords, other: Keywords, remote: Remote, host: string): readonly KeywordLine[] {
  const usual = { ...sshDefaults, HostKeyAlias: host };
  return other.given().flatMap((keyword) => {
    if (remote.kind !== "shell" && (ofCommands.has(keyword) || keyword === "RemoteCommand")) return [];
    const value = own.text(keyword) === undefined ? usual[keyword as keyof typeof usual] : undefined;
    return value === undefined || value === other.text(keyword)?.toLowerCase() ? [] : [line(keyword, value)];
  });
}

/** Nothing runs, and what porthop does not have is no error: ssh, or whoever is told, does the work. */
function quietly(sources: ConfigSources): ConfigSources {
  return { ...sources, isOnlyRead: true, succeeds: () => undefined };
}

function effectiveTunnel(tunnel: SshTunnel, settings: RunSettings, remote: Remote): SshTunnel {
  const { destination, way, keywords } = settings;
  const host = hostNameOf(tunnel, keywords);
  return {
    ...tunnel,
    extras: settings.extras,
    user: destination.user,
    port: destination.port,
    jumps: tunnel.jumps ?? (way.jumps.length === 0 ? undefined : way.jumps),
    identities: [...tunnel.identities, ...fileIdentities(keywords, () => true)],
    forwards: forwardsOf(tunnel, settings).map(({ spec }) => spec),
    keywords: [
      ...(host === undefined ? [] : [line("HostName", host)]),
      ...tunnel.keywords.filter(({ name }) => name !== "HostName"),
      ...fileLines(keywords, remote),
    ],
    remote,
  };
}

/** Forwards that ClearAllForwardings removes are kept, because they are shown as a mistake. */
function forwardsOf({ forwards }: SshTunnel, settings: RunSettings): readonly Pick<Forward, "spec">[] {
  const isCleared = settings.keywords.flag("ClearAllForwardings", defaults.clearAllForwardings);
  return isCleared && settings.forwards.length === 0 ? forwards.map((spec) => ({ spec })) : settings.forwards;
}

function fileIdentities(keywords: Keywords, isWanted: (file: string) => boolean): readonly Identity[] {
  const files = [...keywords.placesOf("IdentityFile").keys()].filter(isWanted);
  return files.map((file) => ({ file: quoteArgument(file.replaceAll("%", "%%")), by: "keyword" }));
}

/** The jump hosts by their addresses, with those that their own configuration puts before the first one (way-plan.ts). */
function passedHosts(tunnel: SshTunnel, { way, hopSettings }: RunSettings): SshTunnel["jumps"] {
  const hostsOf = (jumps: readonly Destination[], passed: readonly string[]): readonly Destination[] =>
    jumps.flatMap((jump, index) => {
      const hop = hopSettings?.(jump);
      if (hop === undefined) return [jump];
      const name = printDestination(jump);
      const before = index === 0 && !passed.includes(name) ? hostsOf(hop.way.jumps, [...passed, name]) : [];
      return [...before, { ...hop.destination, host: hop.keywords.text("HostName") ?? jump.host }];
    });
  return way.jumps.length === 0 ? tunnel.jumps : hostsOf(way.jumps, []);
}

/** As `run` decides: forwards of the files imply -N as well, and a SessionType of the files is one. */
function remoteOf(tunnel: SshTunnel, { forwards, keywords }: RunSettings): Remote {
  const { remote } = tunnel;
  if (remote.kind !== "shell") return remote;
  if (keywords.text("SessionType")?.toLowerCase() === "none") return { kind: "none", implied: false };
  return asksForShell(tunnel) || forwards.length === 0 ? remote : { kind: "none", implied: true };
}

/** The HostName of the server; undefined when HostName is the name itself or not set. */
function hostNameOf(tunnel: SshTunnel, keywords: Keywords): string | undefined {
  const name = keywords.text("HostName");
  return name === undefined || name.toLowerCase() === tunnel.host.toLowerCase() ? undefined : name;
}

/**
 * Keywords that become no line: a description has a field of its own for them, or they mean nothing outside their file.
 */
const elsewhere: ReadonlySet<Keyword> = new Set<Keyword>([
  ...forwardKeywords,
  "HostName",
  "IdentityFile",
  "IgnoreUnknown",
  "Port",
  "ProxyJump",
  "Tag",
  "User",
]);

/**
 * Keywords about a shell or command. They are left out unless a shell is opened, because
 * `remote` already says what runs.
 */
const ofCommands: ReadonlySet<Keyword> = new Set<Keyword>(["RequestTTY", "SessionType"]);

/** Without the values that `other` has too. */
function fileLines(
  keywords: Keywords,
  remote: Remote,
  other = new Keywords(),
): readonly (KeywordLine & { name: Keyword })[] {
  return keywords.given().flatMap((keyword) => {
    const isTold =
      elsewhere.has(keyword) ||
      keyword.startsWith("Porthop") ||
      keyword === "AddKeysToAgent" ||
      keyword === "ControlPath";
    if (isTold || keywords.placesOf(keyword).size === 0) return [];
    if (keyword === "RemoteCommand" ? remote.kind !== "shell" : remote.kind === "none" && ofCommands.has(keyword))
      return [];
    if (keyword === "ProxyCommand" && keywords.isBefore("ProxyJump", keyword)) return [];
    const known = new Set(valuesOf(other, keyword));
    return valuesOf(keywords, keyword)
      .filter((value) => !known.has(value))
      .map((value) => ({ name: keyword, value }));
  });
}

/** Keywords in whose values ssh replaces tokens. The values here have no tokens left, so that each % is doubled. */
const filled: ReadonlySet<Keyword> = new Set<Keyword>([
  "CertificateFile",
  "ForwardAgent",
  "IdentityAgent",
  "RemoteCommand",
  "RevokedHostKeys",
  "SetEnv",
  "UserKnownHostsFile",
]);

/** The values of a keyword as text for lines of ssh_config, one line for each value. */
function valuesOf(keywords: Keywords, keyword: Keyword): readonly string[] {
  const reading = readings[keyword];
  const again = (text: string) => (filled.has(keyword) ? text.replaceAll("%", "%%") : text);
  if (reading === "list") return [(keywords.list(keyword) ?? []).map((word) => quoteArgument(again(word))).join(" ")];
  // These are several words, or reach to the end of their line, and are written without quotes.
  const isCommand = keyword === "ProxyCommand" || keyword === "RemoteCommand";
  const isWhole = isCommand || reading === "remote-open" || reading === "rekey-limit";
  const values = [...keywords.placesOf(keyword).keys()];
  return values.map((value) => (isWhole ? again(value) : quoteArgument(again(value))));
}

/** They change nothing of a tunnel, and the system's file of a distribution may set them for every host. */
const ofNoTunnel: ReadonlySet<Keyword> = new Set<Keyword>([
  "AddKeysToAgent",
  "ControlPath",
  "HashKnownHosts",
  "IgnoreUnknown",
  "SendEnv",
]);

function configuredLines(keywords: Keywords): readonly ConfiguredLine[] {
  return keywords
    .given()
    .filter((keyword) => !ofNoTunnel.has(keyword))
    .flatMap((keyword) => [...keywords.placesOf(keyword)].map(([value, place]) => ({ keyword, value, place })));
}

function line(name: Keyword, value: string): KeywordLine & { name: Keyword } {
  return { name, value };
}
