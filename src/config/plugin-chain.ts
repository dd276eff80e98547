/** The chain as it is built: what was asked for, and the plugins that are there unless their place was said. */
import type { PluginSpec } from "../codec/words/plugin-spec.ts";
import { defaults } from "./defaults.ts";

export function pluginChain(asked: readonly PluginSpec[]): readonly PluginSpec[] {
  const missing = defaults.plugins.filter((name) => asked.every((spec) => spec.name !== name));
  return [...missing.map((name) => ({ name, isFile: false, options: new Map() })), ...asked];
}
