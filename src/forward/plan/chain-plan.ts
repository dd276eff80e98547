/** Prepares the plugins for the chain of a tunnel or a relay. */
import type { PluginSpec } from "../../codec/words/plugin-spec.ts";
import { pluginChain } from "../../config/plugin-chain.ts";
import type { PreparedPlugin } from "../../flow/chain.ts";
import { preparePlugin } from "./plugin-list.ts";

export function planChain(asked: readonly PluginSpec[]): Promise<PreparedPlugin[]> {
  return Promise.all(pluginChain(asked).map(preparePlugin));
}
