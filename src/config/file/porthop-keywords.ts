/**
 * porthop's own settings in ssh_config, below `IgnoreUnknown Porthop*` so that ssh passes over them: each stands for a
 * flag. The command line is stronger: a plugin that it names is not taken from the configuration.
 */
import { resolve } from "node:path";
import type { ScannedFlag } from "../../codec/words/argv.ts";
import { parsePluginSpec } from "../../codec/words/plugin-spec.ts";
import type { Machine } from "./config-sources.ts";
import { underHome } from "./config-tokens.ts";
import { type Keyword, type Keywords, keywords as readings } from "./keyword.ts";
import { withFiles } from "./named-files.ts";

/** The flags that were typed, and behind them those that the configuration stands for. */
export function withConfiguredFlags(
  flags: readonly ScannedFlag[],
  keywords: Keywords,
  machine: Machine,
): readonly ScannedFlag[] {
  const typed = new Set(flags.flatMap(pluginOf));
  const flagsOf = (keyword: Keyword, flag: string) =>
    keywords
      .all(keyword)
      .filter((value) => value.toLowerCase() !== "none")
      .map((value) => withFiles(readings[keyword], value, (file) => underHome(file, machine)))
      .map((value) => ({ flag, value, text: `${keyword} ${value}` }));
  const log = flags.some(({ flag }) => flag === "log" || flag === "q" || flag === "v");
  return [
    ...flags,
    ...(log ? [] : flagsOf("PorthopLog", "log")),
    ...[
      ...flagsOf("PorthopUse", "use"),
      ...flagsOf("PorthopRateLimit", "rate-limit"),
      ...flagsOf("PorthopCapture", "capture"),
    ].filter((flag) => !pluginOf(flag).some((name) => typed.has(name))),
  ];
}

function pluginOf({ flag, value = "" }: ScannedFlag): readonly string[] {
  if (flag === "use") {
    const { name, isFile } = parsePluginSpec(value);
    return [isFile ? resolve(name) : name];
  }
  return flag === "capture" ? ["capture"] : flag === "rate-limit" ? ["limit"] : [];
}
