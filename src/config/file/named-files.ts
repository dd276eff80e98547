/**
 * The files that porthop's own keywords name. A relative name starts at the folder of the configuration file that it stands
 * in, wherever porthop is started: what lies in the folder of the moment is not meant, and may be anybody's. (A file of
 * ssh's own keywords, IdentityFile and its like, is looked for in the working folder, as by ssh.)
 */
import { dirname, resolve } from "node:path";
import { parsePluginSpec, printPluginSpec } from "../../codec/words/plugin-spec.ts";
import type { Reading } from "./keyword-value.ts";

/** The value with its file beside the configuration file. `~` is left for later, and so is `-`, which is stdout. */
export function besideConfiguration(reading: Reading, value: string, configurationFile: string): string {
  const folder = dirname(configurationFile);
  return withFiles(reading, value, (file) => (/^(-$|~)/.test(file) ? file : resolve(folder, file)));
}

/** Changes the names of files in a value; one that names none is given back as it is. */
export function withFiles(reading: Reading, value: string, change: (file: string) => string): string {
  if (reading === "file") return value.toLowerCase() === "none" ? value : change(value);
  if (reading !== "plugin") return value;
  const spec = parsePluginSpec(value);
  const name = spec.isFile ? change(spec.name) : spec.name;
  // Of the built-in plugins only the capture has a file; a plugin from a file reads its own options.
  const file = spec.name === "capture" ? spec.options.get("file") : undefined;
  if (name === spec.name && file === undefined) return value;
  const options = file === undefined ? spec.options : new Map([...spec.options, ["file", change(file)]]);
  return printPluginSpec({ ...spec, name, options });
}
