/**
 * porthop's own settings in ssh_config. They stand below `IgnoreUnknown Porthop*`, so that ssh ignores them. Each
 * stands for a flag. The command line is stronger: a plugin that the command line names is not taken from the
 * configuration.
 */
import { resolve } from "node:path";
import { parsePluginSpec } from "../../codec/words/plugin-spec.ts";
import type { Extra, SshTunnel } from "../../tunnel/tunnel-description.ts";
import { defaults } from "../defaults.ts";
import type { Machine } from "./config-sources.ts";
import { fillHome } from "./config-tokens.ts";
import { type Keyword, keywords as readings } from "./keyword.ts";
import type { Keywords } from "./keyword-record.ts";
import { withFiles } from "./named-files.ts";

/**
 * The options that were typed, and behind them those that keywords stand for. Without a machine a `~` stays as it is.
 */
export function withConfiguredExtras(
  { flags, extras }: Pick<SshTunnel, "flags" | "extras">,
  keywords: Keywords,
  machine: Machine | undefined,
): readonly Extra[] {
  const typed = new Set(extras.flatMap(pluginOf));
  const inHome = (file: string) => (machine === undefined ? file : fillHome(file, machine));
  const extrasOf = (name: keyof typeof settings) => {
    const keyword = settings[name];
    return keywords
      .all(keyword)
      .filter((value) => value.toLowerCase() !== "none" || name === "fallback")
      .map((value) => ({ name, value: withFiles(readings[keyword], value, inHome) }));
  };
  const hasLevel =
    extras.some(({ name }) => name === "log") || flags.some(({ letter }) => letter === "q" || letter === "v");
  return [
    ...extras,
    ...(hasLevel ? [] : extrasOf("log")),
    ...ofLink.filter((name) => !extras.some((extra) => extra.name === name)).flatMap(extrasOf),
    ...(keywords.flag("PorthopCheckTarget", defaults.checkTarget) ? [{ name: "check-target", value: undefined }] : []),
    ...[...extrasOf("use"), ...extrasOf("rate-limit"), ...extrasOf("capture")].filter(
      (extra) => !pluginOf(extra).some((name) => typed.has(name)),
    ),
  ];
}

/** The line for an option, with `changeFile` done to each file that its value names; undefined for one without a setting. */
export function settingLine(
  option: string,
  value: string,
  changeFile: (file: string) => string,
): { readonly name: string; readonly value: string } | undefined {
  const [, name] = Object.entries(settings).find(([each]) => each === option) ?? [];
  return name === undefined ? undefined : { name, value: withFiles(readings[name], value, changeFile) };
}

/** By the option that each stands for. */
const settings = {
  log: "PorthopLog",
  use: "PorthopUse",
  "rate-limit": "PorthopRateLimit",
  capture: "PorthopCapture",
  reconnect: "PorthopReconnect",
  hold: "PorthopHold",
  sessions: "PorthopSessions",
  fallback: "PorthopFallback",
} as const satisfies Record<string, Keyword>;

const ofLink = ["reconnect", "hold", "sessions", "fallback"] as const;

function pluginOf({ name, value = "" }: Extra): readonly string[] {
  if (name === "use") {
    const spec = parsePluginSpec(value);
    return [spec.isFile ? resolve(spec.name) : spec.name];
  }
  return name === "capture" ? ["capture"] : name === "rate-limit" ? ["limit"] : [];
}
