/**
 * The settings that `run` and `relay` share: the chain of plugins, what is said and where, who
 * may connect, how porthop ends.
 */

import { type Network, parseNetworks } from "../codec/cidr.ts";
import { Malformed } from "../codec/malformed.ts";
import { parseDuration } from "../codec/units.ts";
import { type PluginSpec, parsePluginSpec } from "../codec/words/plugin-spec.ts";
import { visible } from "../text/terminal-text.ts";
import type { Extra, SshTunnel } from "../tunnel/tunnel-description.ts";
import { defaults } from "./defaults.ts";
import { type Keywords, longestTimerMs } from "./file/keyword-record.ts";
import { named } from "./flag-in-message.ts";

export interface CarryingSettings {
  readonly plugins: readonly PluginSpec[];
  readonly logLevel: "silent" | "error" | "warn" | "info" | "debug";
  /** -E: messages go into this file and not to stderr. */
  readonly logFile: string | undefined;
  /** -vv, or LogLevel DEBUG2 or DEBUG3: the trace of the ssh2 library is printed too. */
  readonly trace: boolean;
  readonly json: boolean;
  /** -f, ForkAfterAuthentication */
  readonly background: boolean;
  readonly graceMs: number;
  /**
   * The networks that may connect to a TCP listener on this machine; undefined lets
   * everybody who can reach the listener.
   */
  readonly allowFrom: readonly Network[] | undefined;
}

/**
 * `extras` holds porthop's own options: first those of the description, then those of the configuration files.
 * `usualLevel` is the log level when no option, flag or keyword sets one. Throws Malformed.
 */
export function readCarrying(
  { flags }: Pick<SshTunnel, "flags">,
  extras: readonly Extra[],
  keywords: Keywords,
  usualLevel: CarryingSettings["logLevel"] = defaults.logLevel,
): CarryingSettings {
  const plugins = extras.flatMap(pluginOf);
  const json = extras.some(({ name }) => name === "json");
  // Both write to stdout: a capture with events between its blocks cannot be read, nor can the events.
  if (json && capturesToStdout(plugins)) throw new Malformed("--json and --capture - cannot both have stdout");
  return {
    plugins: captureOptions(plugins, extras),
    logLevel: levelOf(flags, extras, keywords) ?? usualLevel,
    logFile: flags.findLast(({ letter }) => letter === "E")?.value,
    trace: /^debug[23]$/.test(keywords.text("LogLevel")?.toLowerCase() ?? ""),
    json,
    background: keywords.flag("ForkAfterAuthentication", defaults.forkAfterAuthentication),
    graceMs: graceOf(lastOf(extras, "grace")),
    allowFrom: allowFromOf(extras.flatMap(({ name, value }) => (name === "allow-from" ? [value ?? ""] : []))),
  };
}

/** Whether a capture goes to stdout. */
export function capturesToStdout(plugins: readonly PluginSpec[]): boolean {
  return plugins.some(({ name, options }) => name === "capture" && options.get("file") === "-");
}

/** --use, --rate-limit and --capture each add a plugin to the chain, in the order given. */
function pluginOf({ name, value = "" }: Extra): readonly PluginSpec[] {
  if (name === "use") return [parsePluginSpec(value)];
  if (name === "rate-limit") return [{ name: "limit", isFile: false, options: new Map([["rate", value]]) }];
  if (name === "capture") return [{ name: "capture", isFile: false, options: new Map([["file", value]]) }];
  return [];
}

/** --capture-legs and --capture-snaplen are options of the capture, wherever they stand on the command line. */
function captureOptions(plugins: readonly PluginSpec[], extras: readonly Extra[]): readonly PluginSpec[] {
  const more = ["legs", "snaplen"].flatMap((option) => {
    const value = lastOf(extras, `capture-${option}`);
    return value === undefined ? [] : [[option, value] as const];
  });
  const [first] = more;
  if (first === undefined) return plugins;
  if (!plugins.some(({ name }) => name === "capture"))
    throw new Malformed(`--capture-${first[0]} needs --capture FILE`);
  return plugins.map((plugin) =>
    plugin.name === "capture" ? { ...plugin, options: new Map([...plugin.options, ...more]) } : plugin,
  );
}

/** --log wins over -q and -v, and these two win over LogLevel. Of several -q and -v the last one wins. */
function levelOf(
  flags: SshTunnel["flags"],
  extras: readonly Extra[],
  keywords: Keywords,
): CarryingSettings["logLevel"] | undefined {
  const levels = ["silent", "error", "warn", "info", "debug"] as const;
  const wanted = lastOf(extras, "log");
  if (wanted !== undefined) {
    const level = levels.find((each) => each === wanted);
    if (level === undefined) throw new Malformed(`--log ${visible(wanted, 50)}: not one of ${levels.join(", ")}`);
    return level;
  }
  const flag = flags.findLast(({ letter }) => letter === "q" || letter === "v")?.letter;
  if (flag !== undefined) return flag === "q" ? "error" : "debug";
  const keyword = keywords.text("LogLevel")?.toLowerCase();
  if (keyword === undefined) return undefined;
  if (keyword === "info" || keyword === "verbose") return "info";
  if (keyword === "quiet") return "silent";
  return keyword === "fatal" || keyword === "error" ? "error" : "debug";
}

function lastOf(extras: readonly Extra[], wanted: string): string | undefined {
  return extras.findLast(({ name }) => name === wanted)?.value;
}

function graceOf(text: string | undefined): number {
  if (text === undefined) return defaults.graceMs;
  return Math.min(
    longestTimerMs,
    named(`--grace ${text}`, () => parseDuration(text)),
  );
}

function allowFromOf(values: readonly string[]): readonly Network[] | undefined {
  if (values.length === 0) return undefined;
  return values.flatMap((value) => named(`--allow-from ${value}`, () => parseNetworks(value)));
}
