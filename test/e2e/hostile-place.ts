/**
 * A folder to start porthop in, and the folders above, full of traps: files with the names of those that a program may
 * load from there. A trap that is run leaves a mark.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { type FileCall, fileCalls } from "../kit/strace.ts";
import { tempDirectory } from "../kit/temp.ts";

export interface HostilePlace {
  /** The folder to start porthop in. */
  readonly folder: string;
  /** The traps that were run. */
  sprung(): readonly string[];
  /**
   * The calls in `trace` (a file of `watched`) that ask for a file in the folder or above,
   * except for the paths in `named`.
   */
  asked(trace: string, named?: readonly string[]): readonly string[];
}

/**
 * `names` are the names that programs require and import. Files that a runtime reads by itself
 * become traps only with `settings`.
 */
export function hostilePlace(names: readonly string[], { settings }: { readonly settings: boolean }): HostilePlace {
  const root = tempDirectory("hostile");
  const marks = join(tempDirectory("sprung"), "marks");
  const folder = join(root, "above", "here");
  const set = (file: string, text: string) => {
    mkdirSync(dirname(file), { recursive: true });
    if (!existsSync(file)) writeFileSync(file, text);
  };
  const trap = (file: string) =>
    set(file, `require("node:fs").appendFileSync(${JSON.stringify(marks)}, ${JSON.stringify(`${file}\n`)});\n`);
  for (const place of [folder, dirname(folder), root]) {
    for (const name of names) {
      for (const file of filesFor(name, place)) if (file.startsWith(`${root}/`)) trap(file);
    }
    if (settings) for (const [name, text] of Object.entries(readByRuntimes(names))) set(join(place, name), text);
    trap(join(place, "preload.js"));
    for (const program of programs) {
      set(join(place, program), `#!/bin/sh\necho '${join(place, program)}' >> '${marks}'\n`);
      chmodSync(join(place, program), 0o755);
    }
  }
  return {
    folder,
    sprung: () => (existsSync(marks) ? readFileSync(marks, "utf8").trimEnd().split("\n") : []),
    asked: (trace, named = []) =>
      fileCalls(trace, folder)
        .filter((each) => isOf(each, root) && !named.includes(each.path))
        .map(({ line }) => line),
  };
}

/**
 * Whether a call asks for a file in the folder or above. `/tmp` and `/` have files of other programs: only the baits
 * and a listing of the folder count there. (A shell asks for the facts of `/`, to know where it is.)
 */
function isOf({ call, path }: FileCall, root: string): boolean {
  if (path === root || path.startsWith(`${root}/`)) return true;
  const outside = above(root);
  if (outside.includes(path)) return call.startsWith("open");
  return outside.includes(dirname(path)) && baits.has(basename(path));
}

function above(folder: string): readonly string[] {
  const parent = dirname(folder);
  return parent === folder ? [] : [parent, ...above(parent)];
}

/** The files in which a runtime would look for `name` from `place`. */
function filesFor(name: string, place: string): readonly string[] {
  if (name.endsWith(".node")) return [resolve(place, name)];
  if (/^\.{0,2}\//.test(name)) return name.startsWith("/") ? [] : [withEnding(resolve(place, name))];
  const bare = name.replace(/^\w+:/, "");
  const isPackage = /^(@[^/]+\/)?[^/]+$/.test(bare);
  const inside = join(place, "node_modules", bare);
  return [isPackage ? join(inside, "index.js") : withEnding(inside)];
}

function withEnding(path: string): string {
  return /\.[cm]?[jt]s(on)?$/.test(path) ? path : `${path}.js`;
}

/** The programs that porthop starts by their bare names. */
const programs = ["stty", "xauth", "wl-copy", "xclip", "xsel", "sh"];

function readByRuntimes(names: readonly string[]): Readonly<Record<string, string>> {
  const imports = Object.fromEntries(names.map((name) => [name, "./preload.js"]));
  return {
    "bunfig.toml": 'preload = ["./preload.js"]\n',
    ".env": "NODE_OPTIONS=--require=./preload.js\n",
    "package.json": JSON.stringify({ name: "trap", main: "./preload.js", imports: { "#trap": "./preload.js" } }),
    "tsconfig.json": JSON.stringify({ compilerOptions: { baseUrl: ".", paths: { "*": ["./preload.js"] } } }),
    "deno.json": JSON.stringify({ imports }),
  };
}

const baits = new Set([
  "node_modules",
  "crypto",
  "preload.js",
  ...Object.keys(readByRuntimes([])),
  "deno.jsonc",
  ".npmrc",
]);
