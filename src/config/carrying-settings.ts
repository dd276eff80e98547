/** What `run` and `relay` share: the chain, what is said and shown, who may connect, how it ends. */

import { type Network, parseNetworks } from "../codec/cidr.ts";
import { Malformed } from "../codec/malformed.ts";
import { parseDuration } from "../codec/units.ts";
import type { ScannedFlag } from "../codec/words/argv.ts";
import { type PluginSpec, parsePluginSpec } from "../codec/words/plugin-spec.ts";
import { visible } from "../text/terminal-text.ts";
import { type Keywords, longestTimerMs } from "./file/keyword.ts";
import { type Given, named } from "./given.ts";
import { porthopFlags } from "./run-flags.ts";

export interface CarryingSettings {
  readonly plugins: readonly PluginSpec[];
  readonly logLevel: "silent" | "error" | "warn" | "info" | "debug";
  /** -E: what is said goes into this file, and not to stderr. */
  readonly logFile: string | undefined;
  /** -vv: ssh2's own trace too. */
  readonly trace: boolean;
  readonly json: boolean;
  /** -f */
  readonly background: boolean;
  readonly graceMs: number;
  /** Who may connect to a TCP listener here; everybody who can reach it when left out. */
  readonly allowFrom: readonly Network[] | undefined;
}

/** `usualLevel` is for whoever asks for no level. */
export function readCarrying(
  given: Given,
  keywords: Keywords,
  usualLevel: CarryingSettings["logLevel"] = "info",
): CarryingSettings {
  const plugins = [...given.inOrder()].flatMap(pluginOf);
  refuseShared(plugins, given);
  return {
    plugins: captureOptions(plugins, given),
    logLevel: readLevel(given, keywords, usualLevel),
    logFile: given.last("E"),
    trace: given.count("v") > 1 || /^debug[23]$/.test(keywords.text("LogLevel")?.toLowerCase() ?? ""),
    json: given.has("json"),
    background: given.has("f"),
    graceMs: graceOf(given.last("grace") ?? "5s"),
    allowFrom: allowFromOf(given.values("allow-from")),
  };
}

/** Whether a capture goes to stdout. */
export function capturesToStdout(plugins: readonly PluginSpec[]): boolean {
  return plugins.some(({ name, options }) => name === "capture" && options.get("file") === "-");
}

/** --use, --rate-limit and --capture make the chain, in the order given. */
function pluginOf({ flag, value = "" }: ScannedFlag): readonly PluginSpec[] {
  if (flag === "use") return [parsePluginSpec(value)];
  if (flag === "rate-limit") return [{ name: "limit", isFile: false, options: new Map([["rate", value]]) }];
  if (flag === "capture") return [{ name: "capture", isFile: false, options: new Map([["file", value]]) }];
  return [];
}

/** Events between the blocks of a capture would spoil both. */
function refuseShared(plugins: readonly PluginSpec[], given: Given): void {
  if (capturesToStdout(plugins) && given.has("json")) {
    throw new Malformed("--json and --capture - cannot both have stdout");
  }
}

/** --capture-legs and --capture-snaplen belong to the capture, wherever they stand. */
function captureOptions(plugins: readonly PluginSpec[], given: Given): readonly PluginSpec[] {
  const more = new Map<string, string>();
  const legs = given.last("capture-legs");
  const snaplen = given.last("capture-snaplen");
  if (legs !== undefined) more.set("legs", legs);
  if (snaplen !== undefined) more.set("snaplen", snaplen);
  if (more.size === 0) return plugins;
  if (!plugins.some(({ name }) => name === "capture")) {
    const flag = porthopFlags.find(({ name }) => name === (legs === undefined ? "capture-snaplen" : "capture-legs"));
    throw new Malformed(`--${flag?.name} needs --capture FILE`);
  }
  return plugins.map((plugin) =>
    plugin.name === "capture" ? { ...plugin, options: new Map([...plugin.options, ...more]) } : plugin,
  );
}

function readLevel(
  given: Given,
  keywords: Keywords,
  usual: CarryingSettings["logLevel"],
): CarryingSettings["logLevel"] {
  const levels = ["silent", "error", "warn", "info", "debug"] as const;
  const wanted = given.last("log");
  if (wanted !== undefined) {
    const level = levels.find((each) => each === wanted);
    if (level === undefined) throw new Malformed(`--log ${visible(wanted, 50)}: not one of ${levels.join(", ")}`);
    return level;
  }
  if (given.has("q")) return "error";
  if (given.has("v")) return "debug";
  const keyword = keywords.text("LogLevel")?.toLowerCase();
  if (keyword === undefined) return usual;
  if (keyword === "info" || keyword === "verbose") return "info";
  if (keyword === "quiet") return "silent";
  return keyword === "fatal" || keyword === "error" ? "error" : "debug";
}

function graceOf(text: string): number {
  return Math.min(
    longestTimerMs,
    named(`--grace ${text}`, () => parseDuration(text)),
  );
}

function allowFromOf(values: readonly string[]): readonly Network[] | undefined {
  if (values.length === 0) return undefined;
  return values.flatMap((value) => named(`--allow-from ${value}`, () => parseNetworks(value)));
}
