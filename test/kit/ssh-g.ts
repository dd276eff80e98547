/**
 * The settings for a host in the words of `ssh -G`, and porthop's settings from the same file, both in one form, so
 * that a test can compare them keyword by keyword. Where the file says nothing, porthop counts as having ssh's own
 * values.
 */
import { homedir } from "node:os";
import { isUnix } from "../../src/codec/address.ts";
import { matchesPattern } from "../../src/codec/host-pattern.ts";
import { printDestination } from "../../src/codec/words/destination.ts";
import type { ForwardSpec } from "../../src/codec/words/forward-spec.ts";
import { currentUser, homeOf } from "../../src/config/current-user.ts";
import { type ConfigSources, realSources } from "../../src/config/file/config-sources.ts";
import { type Keyword, keywords as readings } from "../../src/config/file/keyword.ts";
import { type RunSettings, readRunSettings } from "../../src/config/run-settings.ts";
import { run } from "./run.ts";

/** Values by keyword in lower case. Several values stand in their given order. */
export type Effective = ReadonlyMap<string, readonly string[]>;

/** Undefined when ssh refuses the file. */
export async function effectiveInSsh(
  ssh: string,
  file: string,
  words: readonly string[],
): Promise<Effective | undefined> {
  const { code, stdout } = await run(ssh, ["-G", "-F", file, ...words]);
  if (code !== 0) return undefined;
  const values = new Map<string, string[]>();
  for (const line of stdout.trimEnd().split("\n")) {
    const space = line.indexOf(" ");
    const keyword = line.slice(0, space);
    values.set(keyword, [...(values.get(keyword) ?? []), line.slice(space + 1)]);
  }
  return values;
}

/** For these, ssh's value without a file depends on other keywords. */
const dependent: ReadonlySet<Keyword> = new Set(["ServerAliveInterval", "UpdateHostKeys"]);

/**
 * porthop's settings. `without` gives the values for keywords that the file does not set. Throws when porthop refuses
 * the file.
 */
export function effectiveInPorthop(file: string, words: readonly string[], without: Effective): Effective {
  const settings = readRunSettings(["-F", file, ...words], sourcesLikeSsh());
  const values = new Map<string, readonly string[]>();
  for (const keyword of comparedKeywords) {
    const told = valuesIn(settings, keyword);
    if (told !== undefined) values.set(keyword, told);
    else if (!dependent.has(keyword)) values.set(keyword, without.get(keyword.toLowerCase()) ?? []);
  }
  return values;
}

/** ssh does not use $HOME. */
export function sourcesLikeSsh(): ConfigSources {
  const sources = realSources(process.env);
  const home = homeOf(currentUser()) ?? homedir();
  return { ...sources, machine: { ...sources.machine, home } };
}

/** All keywords, except porthop's own, and ClearAllForwardings, whose effect shows in the forwards. */
export const comparedKeywords: readonly Keyword[] = (Object.keys(readings) as Keyword[]).filter(
  (keyword) => !keyword.startsWith("Porthop") && keyword !== "ClearAllForwardings",
);

/**
 * Values in a form that can be compared: ssh has several words for yes and no, prints times in seconds, and shows ~ in
 * a few places.
 */
export function comparable(keyword: Keyword, values: readonly string[] | undefined): readonly string[] {
  const given = values ?? [];
  if (keyword === "SendEnv") return [...new Set(given)].sort();
  if (keyword === "IdentityFile") return given.map((path) => path.replace(/^~(?=\/)/, sourcesLikeSsh().machine.home));
  if (keyword === "LogLevel") return given.map((level) => level.toLowerCase().replace("debug1", "debug"));
  return given.map((value) => {
    const small = value.toLowerCase();
    // OpenSSH 10 has no word for what -C asks for.
    if (keyword === "Compression" && value === "UNKNOWN") return "yes";
    if (small === "true") return "yes";
    return small === "false" || small === "off" ? "no" : value;
  });
}

function valuesIn(settings: RunSettings, keyword: Keyword): readonly string[] | undefined {
  const { keywords, way, destination } = settings;
  const forwards = settings.forwards.map(({ spec }) => spec);
  if (keyword === "HostName") return [keywords.text(keyword) ?? destination.host];
  if (keyword === "LocalForward") return forwards.filter(({ kind }) => kind === "local").map(printForward);
  if (keyword === "DynamicForward") return forwards.flatMap(dynamicIn);
  if (keyword === "RemoteForward") {
    return forwards.filter(({ kind }) => kind === "remote" || kind === "reverse-dynamic").map(printForward);
  }
  if (keyword === "ProxyJump") return way.jumps.length === 0 ? undefined : [way.jumps.map(printDestination).join(",")];
  if (keyword === "ProxyCommand") return way.proxyCommand === undefined ? undefined : [way.proxyCommand];
  if (keyword === "IdentityFile") return ownFiles(settings);
  const reading: unknown = readings[keyword];
  if (keywords.text(keyword) === undefined) return undefined;
  if (keyword === "SendEnv") return sentNames(keywords.all(keyword));
  if (keyword === "SetEnv") return keywords.list(keyword);
  if (reading === "list" || reading === "remote-open") return [(keywords.list(keyword) ?? []).join(" ")];
  if (reading === "seconds") return [seconds(keywords.text(keyword) ?? "", keywords.time(keyword) ?? 0)];
  if (reading === "number") return [String(keywords.number(keyword))];
  if (reading === "octal") return [`0${keywords.octal(keyword)?.toString(8)}`];
  if (keyword === "HostKeyAlias") return [keywords.text(keyword)?.toLowerCase() ?? ""];
  if (isLowerCased(reading)) return [keywords.text(keyword)?.toLowerCase() ?? ""];
  return keywords.all(keyword);
}

/** A name with a dash in front removes names that stood before. */
function sentNames(given: readonly string[]): readonly string[] {
  const names: string[] = [];
  for (const name of given) {
    if (!name.startsWith("-")) names.push(name);
    else names.splice(0, names.length, ...names.filter((each) => !matchesPattern(each, name.slice(1))));
  }
  return names;
}

function isLowerCased(reading: unknown): boolean {
  return Array.isArray(reading) || reading === "yes-no";
}

function ownFiles({ identityFiles, keywords }: RunSettings): readonly string[] | undefined {
  const files = [...new Set([...identityFiles, ...keywords.all("IdentityFile")])];
  return files.length === 0 ? undefined : files;
}

function seconds(text: string, ms: number): string {
  return text.toLowerCase() === "none" ? "none" : String(ms / 1000);
}

/** readconf.c, dump_cfg_forwards, lists a forward to a socket among the dynamic ones too. */
function dynamicIn(spec: ForwardSpec): readonly string[] {
  if (spec.kind === "dynamic") return [printListen(spec)];
  return spec.kind === "local" && isUnix(spec.connect) ? [printListen(spec)] : [];
}

function printForward(spec: ForwardSpec): string {
  if (spec.connect === undefined) return `${printListen(spec)} [socks]:0`;
  if (isUnix(spec.connect)) return `${printListen(spec)} ${spec.connect.path}`;
  return `${printListen(spec)} [${spec.connect.host}]:${spec.connect.port}`;
}

function printListen({ listen }: ForwardSpec): string {
  if (listen === undefined) return "";
  if ("path" in listen) return listen.path;
  return listen.bind === undefined ? String(listen.port) : `[${listen.bind}]:${listen.port}`;
}
