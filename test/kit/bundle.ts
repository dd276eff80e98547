/**
 * What our executable is made of: the JavaScript inside, the names that are looked up only at run time, and the files
 * that a bundler takes for the executable.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./run.ts";
import { projectRoot, scriptCommand } from "./runtime.ts";
import { removeTemp, tempDirectory } from "./temp.ts";

/** Bun writes the bundle unchanged behind Bun's own program. */
export function bundleIn(executable: string): string {
  const bytes = readFileSync(executable);
  const start = bytes.lastIndexOf("// @bun @bytecode\n");
  const end = bytes.indexOf(0, start);
  if (start < 0 || end < start) throw new Error(`there is no bundle in ${executable}`);
  return bytes.toString("utf8", start, end);
}

export interface LeftForRunTime {
  /** The names as written: `node:fs`, `cpu-features`, `./x.node`. */
  readonly names: readonly string[];
  /** The expressions in imports that have no fixed name. */
  readonly computed: readonly string[];
}

/**
 * All names that a bundle still requires or imports. A string in the bundle may look like an import; an extra name does
 * no harm.
 */
export function leftForRunTime(bundle: string): LeftForRunTime {
  // Bun gives its `require` a short name.
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
  /** The path, either absolute or from the project's root. */
  readonly file: string;
  /** The imported and required names, as written in the file. */
  readonly imports: readonly string[];
}

/** Runs the bundler again, so the result does not depend on what build.ts makes of the bundler's answer. */
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
