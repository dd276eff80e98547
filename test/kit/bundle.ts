/**
 * What an executable of ours is made of: the JavaScript inside it, with the names that are looked up only at run time, and
 * the files that a bundler puts together for it.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./run.ts";
import { projectRoot, scriptCommand } from "./runtime.ts";
import { removeTemp, tempDirectory } from "./temp.ts";

/** Bun writes it, as it is, behind its own program. */
export function bundleIn(executable: string): string {
  const bytes = readFileSync(executable);
  const start = bytes.lastIndexOf("// @bun @bytecode\n");
  const end = bytes.indexOf(0, start);
  if (start < 0 || end < start) throw new Error(`there is no bundle in ${executable}`);
  return bytes.toString("utf8", start, end);
}

export interface LeftForRunTime {
  /** As they are written: `node:fs`, `cpu-features`, `./x.node`. */
  readonly names: readonly string[];
  /** What is imported by an expression instead. */
  readonly computed: readonly string[];
}

/** All that a bundle still requires and imports. It has strings too that look like one: a name too many does no harm. */
export function leftForRunTime(bundle: string): LeftForRunTime {
  // Bun calls its require by a short name of its own.
  const aliases = [...bundle.matchAll(/([\w$]+)\s*=\s*import\.meta\.require\b/g)].map(([, name = ""]) => name);
  const require = ["require", "require\\.resolve", ...aliases.map((name) => name.replaceAll("$", "\\$"))].join("|");
  const named = [
    ...bundle.matchAll(new RegExp(`(?<![\\w$.])(?:${require}|import)\\s*\\(\\s*["'\`]([^"'\`$]+)["'\`]`, "g")),
    ...bundle.matchAll(/(?<![\w$.])(?:from|import)\s*["']([^"']+)["']/g),
  ].map(([, name = ""]) => name);
  const computed = [
    ...bundle.matchAll(/(?<![\w$.])import\s*\(\s*((?!["'][^"']*["']\s*[),])(?!`[^`$]*`\s*[),])[^)]*)/g),
    ...bundle.matchAll(/\b(createRequire\b[^)]*)/g),
  ].map(([, expression = ""]) => expression);
  return { names: [...new Set(named)].filter((name) => /^[\w@.][\w@./:-]*$/.test(name)), computed };
}

export interface BundleInput {
  /** From the project's root, or absolute. */
  readonly file: string;
  /** What it requires and imports, as it is written there. */
  readonly imports: readonly string[];
}

/** Asks the bundler anew, so that this does not depend on what build.ts makes of its answer. */
export async function bundleInputs(): Promise<readonly BundleInput[]> {
  const folder = tempDirectory("bundle");
  try {
    const [bun = ""] = scriptCommand("bun", "");
    const metafile = join(folder, "meta.json");
    const flags = ["--target=bun", `--outfile=${folder}/out.js`, `--metafile=${metafile}`];
    const absent = ["--external", "cpu-features", "--external", "*.node"];
    const { code, stderr } = await run(bun, ["build", "src/main.ts", ...flags, ...absent], { cwd: projectRoot });
    if (code !== 0) throw new Error(`bun build failed: ${stderr}`);
    const { inputs } = JSON.parse(readFileSync(metafile, "utf8")) as Metafile;
    return Object.entries(inputs).map(([file, { imports }]) => ({
      file,
      imports: imports.map(({ path, original }) => original ?? path),
    }));
  } finally {
    removeTemp(folder);
  }
}

interface Metafile {
  readonly inputs: Readonly<
    Record<string, { readonly imports: readonly { readonly path: string; readonly original?: string }[] }>
  >;
}
