/**
 * The plugins of the chain as it is built: the default plugins, unless the user gave them a place, then
 * those that the user asked for.
 */
import type { PluginSpec } from "../codec/words/plugin-spec.ts";
import { defaults } from "./defaults.ts";

export function pluginChain(asked: readonly PluginSpec[]): readonly PluginSpec[] {
  const missing = defaults.plugins.filter((name) => asked.every((spec) => spec.name !== name));
  return [...missing.map((name) => ({ name, isFile: false, options: new Map() })), ...asked];
}
