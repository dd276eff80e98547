/** The guide to plugins, and its samples as files in a folder where `porthop` is linked as by `npm install`. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "./runtime.ts";
import { tempDirectory } from "./temp.ts";

export const guide = readFileSync(join(projectRoot, "plugins/README.md"), "utf8");

export const samples = [...guide.matchAll(/^```ts\n(\/\/ (\S+)\n[\s\S]*?)^```$/gm)].map(([, text = "", name = ""]) => ({
  name,
  text,
}));

/** A fresh folder with all samples. The caller removes it. */
export function samplesFolder(): string {
  const folder = tempDirectory("plugin-guide");
  for (const { name, text } of samples) writeFileSync(join(folder, name), text);
  // Files are modules for bun, deno and the compiler alike.
  const manifest = { type: "module", devDependencies: { porthop: `file:${projectRoot}` } };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(projectRoot, join(folder, "node_modules/porthop"), "dir");
  return folder;
}
