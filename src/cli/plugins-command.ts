/** `porthop plugins [name ...]`: what the plugins are and which options they take, from their own records. */

import { builtInNames, loadBuiltIn } from "../forward/plan/plugin-list.ts";
import type { OptionSpec } from "../plugin.ts";
import { Output } from "./output.ts";

export async function listPlugins(names: readonly string[]): Promise<number> {
  const output = new Output("info");
  for (const name of names.length > 0 ? names : builtInNames) {
    const plugin = await loadBuiltIn(name);
    output.result(`${plugin.name.padEnd(10)} ${plugin.about}`);
    const options = Object.entries(plugin.options ?? {}) as [string, OptionSpec][];
    for (const [option, spec] of options) output.result(`  ${option.padEnd(8)} ${describeOption(spec)}`);
  }
  return 0;
}

function describeOption(spec: OptionSpec): string {
  const facts = [
    spec.choices === undefined ? spec.type : spec.choices.join("|"),
    ...(spec.required === true ? ["required"] : []),
    ...(spec.default === undefined ? [] : [`default ${spec.default}`]),
  ];
  return `${spec.about} (${facts.join(", ")})`;
}
