/**
 * The built-in plugins by name, plugins from files, and both made ready for a chain: options read and checked by the
 * plugin's own record (promise 9).
 */
import { existsSync, statSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Malformed } from "../../codec/malformed.ts";
import type { PluginSpec } from "../../codec/words/plugin-spec.ts";
import { PorthopError } from "../../errors.ts";
import type { PreparedPlugin } from "../../flow/chain.ts";
import type { OptionSpecs, Plugin } from "../../plugin.ts";
import * as toolkit from "../../plugin.ts";
import { didYouMean } from "../../text/nearest.ts";
import { visible } from "../../text/terminal-text.ts";
import { liveOptions } from "./plugin-options.ts";

/** Loaded when used. In the order in which `porthop plugins` lists them. */
const builtIn: Readonly<Record<string, () => Promise<{ readonly default: unknown }>>> = {
  log: () => import("../../../plugins/log.ts"),
  limit: () => import("../../../plugins/limit.ts"),
  capture: () => import("../../../plugins/capture.ts"),
};

export const builtInNames: readonly string[] = Object.keys(builtIn);

export async function preparePlugin(spec: PluginSpec): Promise<PreparedPlugin> {
  const plugin = spec.isFile ? await loadFile(spec.name) : await loadBuiltIn(spec.name);
  const wrong = (error: Malformed) =>
    new PorthopError("plugin.invalid", `plugin ${plugin.name}: ${error.message}`, {
      hint: optionHint(plugin),
      cause: error,
    });
  try {
    const options = liveOptions(plugin.options ?? {}, spec.options, wrong);
    return { name: plugin.name, options, setup: (host) => plugin.setup(host, options.values) };
  } catch (error) {
    if (error instanceof Malformed) throw wrong(error);
    // A file without types may have any kind of record.
    throw new PorthopError("plugin.invalid", `plugin ${plugin.name} has a record of options that makes no sense`, {
      hint: "each option needs a type and a line about it; plugins/README.md shows what that looks like",
      cause: error,
    });
  }
}

export async function loadBuiltIn(name: string): Promise<Plugin> {
  const load = Object.hasOwn(builtIn, name) ? builtIn[name] : undefined;
  if (load === undefined) {
    throw new PorthopError(
      "plugin.not-found",
      `there is no plugin "${visible(name, 100)}"${didYouMean(name, builtInNames)}`,
      { hint: `built in are ${builtInNames.join(", ")}; a file of your own is named ./mine.ts` },
    );
  }
  const module = await load();
  return asPlugin(module.default, name);
}

async function loadFile(path: string): Promise<Plugin> {
  const shown = visible(path, 200);
  if (!existsSync(path)) {
    const hint = `check the path${isAbsolute(path) ? "" : "; it starts at the folder in which porthop runs"}`;
    throw new PorthopError("plugin.not-found", `there is no plugin file ${shown}`, { hint });
  }
  if (!statSync(path).isFile()) {
    const hint = "name the plugin's own file, for example ./mine.ts";
    throw new PorthopError("plugin.not-found", `the plugin ${shown} is no file`, { hint });
  }
  let exported: unknown;
  try {
    // Written so that build.ts can tell it from an import of just anything.
    const module: { readonly default?: unknown } = await import(`file:${fileLocation(path)}`);
    exported = module.default;
    // A compiled porthop cannot be imported from outside, so a file may ask for the toolkit instead.
    if (typeof exported === "function") exported = await exported(toolkit);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new PorthopError("plugin.invalid", `cannot load the plugin ${shown}: ${visible(text, 300)}`, {
      hint: "plugins/README.md shows what such a file looks like",
      cause: error,
    });
  }
  return asPlugin(exported, shown);
}

/** What follows `file:` in the URL of a path. */
function fileLocation(path: string): string {
  const { href, protocol } = pathToFileURL(resolve(path));
  return href.slice(protocol.length);
}

/** The version of the contract that src/plugin.ts is. */
const contractVersion = 1;

function asPlugin(exported: unknown, where: string): Plugin {
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

/** A later contract may differ in anything: nothing else of such a plugin is looked at. */
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
