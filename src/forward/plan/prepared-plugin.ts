/**
 * Makes a plugin ready for a chain from what a file exports: hands the toolkit to an exported function, checks the
 * version of the contract, and reads the options by the plugin's own record (promise 9).
 */
import { Malformed } from "../../codec/malformed.ts";
import { PorthopError } from "../../errors.ts";
import type { PreparedPlugin } from "../../flow/chain.ts";
import type { OptionSpecs, Plugin } from "../../plugin.ts";
import * as toolkit from "../../plugin.ts";
import { liveOptions } from "./plugin-options.ts";

export function preparedPlugin(plugin: Plugin, texts: ReadonlyMap<string, string>): PreparedPlugin {
  const wrong = (error: Malformed) =>
    new PorthopError("plugin.invalid", `plugin ${plugin.name}: ${error.message}`, {
      hint: optionHint(plugin),
      cause: error,
    });
  try {
    const options = liveOptions(plugin.options ?? {}, texts, wrong);
    return { name: plugin.name, options, setup: (host) => plugin.setup(host, options.values) };
  } catch (error) {
    if (error instanceof Malformed) throw wrong(error);
    // A file without types may hold any record of options.
    throw new PorthopError("plugin.invalid", `plugin ${plugin.name} has a record of options that makes no sense`, {
      hint: "each option needs a type and a line about it; plugins/README.md shows what that looks like",
      cause: error,
    });
  }
}

/**
 * A compiled porthop cannot be imported from outside. So a file may export a function, which is called with the
 * toolkit.
 */
export function withToolkit(exported: unknown): unknown {
  return typeof exported === "function" ? exported(toolkit) : exported;
}

/**
 * Returns the exported plugin. Throws plugin.invalid when the export is no plugin. `where` names the source in the
 * error.
 */
export function pluginOf(exported: unknown, where: string): Plugin {
  refuseNewer(exported, where);
  if (isPlugin(exported)) return exported;
  throw new PorthopError(
    "plugin.invalid",
    `${where} is no plugin: its default export needs a name and a setup function`,
    {
      hint: "plugins/README.md shows what a plugin looks like",
    },
  );
}

/** The version of the contract in src/plugin.ts. */
const contractVersion = 1;

/** A later contract may differ in every part, so nothing else of such a plugin is read. */
function refuseNewer(exported: unknown, where: string): void {
  if (typeof exported !== "object" || exported === null || !("porthop" in exported)) return;
  const { porthop: version } = exported;
  if (version === undefined || version === contractVersion) return;
  const isNewer = Number.isInteger(version) && Number(version) > contractVersion;
  const isFor = isNewer
    ? `version ${version} of porthop's plugin contract`
    : `a plugin contract that porthop never had`;
  throw new PorthopError(
    "plugin.invalid",
    `${where} is written for ${isFor}; this porthop has version ${contractVersion}`,
    {
      hint: isNewer
        ? "use a later porthop, or an earlier version of the plugin"
        : `its record says porthop: ${contractVersion}, or leaves that out`,
    },
  );
}

function isPlugin(value: unknown): value is Plugin {
  if (typeof value !== "object" || value === null) return false;
  return "name" in value && typeof value.name === "string" && "setup" in value && typeof value.setup === "function";
}

function optionHint(plugin: Plugin): string {
  const names = Object.entries((plugin.options ?? {}) as OptionSpecs).map(([name, { about }]) => `${name} (${about})`);
  return names.length === 0 ? `plugin ${plugin.name} takes no options` : `it takes ${names.join("; ")}`;
}
