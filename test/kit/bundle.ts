/**
 * What our executable is made of: the JavaScript inside, the names that are looked up only at run time, and the files
 * that a bundler takes for the executable.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./run.ts";
import { projectRoot, scriptCommand } from "./runtime.ts";
import { removeTemp, tempDirectory } from "./temp.ts";

/** Bun writes the files of the bundle unchanged into its own program, where the same words stand in front of others. */
export function bundleIn(executable: string): readonly string[] {
  const bytes = readFileSync(executable);
  const head = "// @bun @bytecode\n";
  const files: string[] = [];
  for (let start = bytes.indexOf(head); start !== -1; start = bytes.indexOf(head, start + 1)) {
    const text = bytes.toString("utf8", start, bytes.indexOf(0, start));
    if (!text.startsWith(`${head}// @bun`)) files.push(text);
  }
  if (files.length === 0) throw new Error(`there is no bundle in ${executable}`);
  return files;
}

export interface LeftForRunTime {
  /** The names as written: `node:fs`, `cpu-features`, `./x.node`. */
  readonly names: readonly string[];
  /** The expressions in imports that have no fixed name. */
  readonly computed: readonly string[];
}

/**
 * All names that the files of a bundle still require or import. A string in a file may look like an import; an extra
 * name does no harm.
 */
export function leftForRunTime(...files: readonly string[]): LeftForRunTime {
  // Bun gives its `require` a short name, which other files import.
  const aliases = files.flatMap((file) =>
    [...file.matchAll(/([\w$]+)\s*=\s*import\.meta\.require\b/g)].map(([, name = ""]) => name),
  );
  const left = files.map((file) =>
    leftIn(
      file,
      aliases.filter((name) => isKnownIn(file, name)),
    ),
  );
  return {
    names: [...new Set(left.flatMap(({ names }) => names))],
    computed: left.flatMap(({ computed }) => computed),
  };
}

/** Whether the file defines or imports the name, which may mean something else in another file. */
function isKnownIn(file: string, alias: string): boolean {
  const known = [...file.matchAll(/(?<![\w$.])import\s*\{([^}]*)\}|([\w$]+)\s*=\s*import\.meta\.require\b/g)];
  return known.some(([, imported = "", defined]) => defined === alias || imported.split(/[\s,]+/).includes(alias));
}

function leftIn(bundle: string, aliases: readonly string[]): LeftForRunTime {
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
