/**
 * Files that porthop's own keywords name. A relative name starts at the folder of the configuration file, wherever
 * porthop is started: the working folder is not meant, and its files may be another user's. (For ssh's own keywords,
 * such as IdentityFile, a relative name starts at the working folder, as with ssh.)
 */
import { dirname, resolve } from "node:path";
import { parsePluginSpec, printPluginSpec } from "../../codec/words/plugin-spec.ts";
import type { Reading } from "./keyword-value.ts";

/** The value with the name of its file made absolute. A name with `~` is left for later. `-` means stdout and stays. */
export function besideConfiguration(reading: Reading, value: string, configurationFile: string): string {
  const folder = dirname(configurationFile);
  return withFiles(reading, value, (file) => (/^(-$|~)/.test(file) ? file : resolve(folder, file)));
}

/** Changes the file names in a value. A value without file names stays as it is. */
export function withFiles(reading: Reading, value: string, change: (file: string) => string): string {
  if (reading === "file") return value.toLowerCase() === "none" ? value : change(value);
  if (reading !== "plugin") return value;
  const spec = parsePluginSpec(value);
  const name = spec.isFile ? change(spec.name) : spec.name;
  // Of the built-in plugins, only the capture has an option for a file. A plugin from a file reads its own options.
  const file = spec.name === "capture" ? spec.options.get("file") : undefined;
  if (name === spec.name && file === undefined) return value;
  const options = file === undefined ? spec.options : new Map([...spec.options, ["file", change(file)]]);
  return printPluginSpec({ ...spec, name, options });
}
