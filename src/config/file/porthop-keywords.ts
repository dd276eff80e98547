/**
 * porthop's own settings in ssh_config, below `IgnoreUnknown Porthop*` so that ssh passes over them: each stands for a
 * flag. The command line is stronger: a plugin that it names is not taken from the configuration.
 */
import type { ScannedFlag } from "../../codec/words/argv.ts";
import { parsePluginSpec } from "../../codec/words/plugin-spec.ts";
import type { Machine } from "./config-sources.ts";
import { underHome } from "./config-tokens.ts";
import type { Keyword, Keywords } from "./keyword.ts";

/** The flags that were typed, and behind them those that the configuration stands for. */
export function withConfiguredFlags(
  flags: readonly ScannedFlag[],
  keywords: Keywords,
  machine: Machine,
): readonly ScannedFlag[] {
  const typed = new Set(flags.flatMap(pluginOf));
  const log = flags.some(({ flag }) => flag === "log" || flag === "q" || flag === "v");
  return [
    ...flags,
    ...(log ? [] : flagsOf(keywords, "PorthopLog", "log")),
    ...[
      ...flagsOf(keywords, "PorthopUse", "use"),
      ...flagsOf(keywords, "PorthopRateLimit", "rate-limit"),
      ...flagsOf(keywords, "PorthopCapture", "capture"),
    ]
      .map((flag) => ({ ...flag, value: underHome(flag.value, machine) }))
      .filter((flag) => !pluginOf(flag).some((name) => typed.has(name))),
  ];
}

function flagsOf(keywords: Keywords, keyword: Keyword, flag: string): readonly (ScannedFlag & { value: string })[] {
  return keywords
    .all(keyword)
    .filter((value) => value.toLowerCase() !== "none")
    .map((value) => ({ flag, value, text: `${keyword} ${value}` }));
}

function pluginOf({ flag, value = "" }: ScannedFlag): readonly string[] {
  if (flag === "use") return [parsePluginSpec(value).name];
  return flag === "capture" ? ["capture"] : flag === "rate-limit" ? ["limit"] : [];
}
