/** Loads the built-in plugins by name and other plugins from files, and makes them ready for a chain. */

import { existsSync, statSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { PluginSpec } from "../../codec/words/plugin-spec.ts";
import { PorthopError } from "../../errors.ts";
import type { PreparedPlugin } from "../../flow/chain.ts";
import type { Plugin } from "../../plugin.ts";
import { messageOf } from "../../text/error-message.ts";
import { didYouMean } from "../../text/nearest.ts";
import { visible } from "../../text/terminal-text.ts";
import { pluginOf, preparedPlugin, withToolkit } from "./prepared-plugin.ts";

/** Each plugin is loaded when it is used. `porthop plugins` lists them in this order. */
const builtIn: Readonly<Record<string, () => Promise<{ readonly default: unknown }>>> = {
  log: () => import("../../../plugins/log.ts"),
  limit: () => import("../../../plugins/limit.ts"),
  capture: () => import("../../../plugins/capture.ts"),
};

export const builtInNames: readonly string[] = Object.keys(builtIn);

export async function preparePlugin(spec: PluginSpec): Promise<PreparedPlugin> {
  const plugin = spec.isFile ? await loadFile(spec.name) : await loadBuiltIn(spec.name);
  return preparedPlugin(plugin, spec.options);
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
  return pluginOf(module.default, name);
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
    // build.ts allows an import that it cannot resolve only in this form, `file:` and a rest.
    const module: { readonly default?: unknown } = await import(`file:${fileLocation(path)}`);
    exported = await withToolkit(module.default);
  } catch (error) {
    throw new PorthopError("plugin.invalid", `cannot load the plugin ${shown}: ${visible(reasonOf(error), 300)}`, {
      hint: "plugins/README.md shows what such a file looks like",
      cause: error,
    });
  }
  return pluginOf(exported, shown);
}

/** Bun says of a file with mistakes only how many there are, and has them in `errors`, each with its line. */
function reasonOf(error: unknown): string {
  if (!(error instanceof AggregateError)) return messageOf(error);
  const first: unknown = error.errors[0];
  if (typeof first !== "object" || first === null || !("message" in first)) return messageOf(error);
  const place = "position" in first ? first.position : undefined;
  const line = typeof place === "object" && place !== null && "line" in place ? `line ${place.line}: ` : "";
  return `${line}${first.message}`;
}

/** Returns the part of the path's URL that follows `file:`. */
function fileLocation(path: string): string {
  const { href, protocol } = pathToFileURL(resolve(path));
  return href.slice(protocol.length);
}
