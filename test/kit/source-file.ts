/**
 * The project's own source as text: the files, the imports of each file, and its code without comments. This works on
 * the text alone, and needs to understand only porthop's own formatted source.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "./runtime.ts";

export interface SourceFile {
  /** The path from the project's root, with slashes: `src/flow/half.ts`. */
  readonly path: string;
  readonly text: string;
}

export interface Import {
  /** The name as written: `../errors.ts`, `node:net`. */
  readonly from: string;
  /** The file's path from the project's root; undefined when `from` is no relative path. */
  readonly file: string | undefined;
  /** The names that are imported for run time. Undefined when the whole module is imported. */
  readonly names: readonly string[] | undefined;
  /** True when the import has nothing that exists at run time. */
  readonly typesOnly: boolean;
}

/** All source files below a folder of the project. */
export function sourceFiles(folder: string): SourceFile[] {
  return filesBelow(folder).map((path) => ({ path, text: readFileSync(join(projectRoot, path), "utf8") }));
}

export function filesBelow(folder: string): string[] {
  const entries = readdirSync(join(projectRoot, folder), { withFileTypes: true });
  return entries
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) return filesBelow(path);
      // A declaration of another project's module is no source of ours.
      if (entry.name.endsWith(".d.ts")) return [];
      return /\.[cm]?[jt]sx?$/.test(entry.name) ? [path] : [];
    })
    .sort();
}

/** Static, dynamic, re-exporting and CommonJS imports. */
export function importsOf({ path, text }: SourceFile): Import[] {
  const code = withoutComments(text);
  const found = (from: string, clause: string | undefined): Import => ({
    from,
    file: from.startsWith(".") ? resolved(path, from) : undefined,
    names: clause === undefined ? undefined : namesOf(clause),
    typesOnly: clause !== undefined && /^type\b(?!\s*,)/.test(clause),
  });
  return [
    ...[...code.matchAll(/^(?:import|export)\s+([^"';]*?)\s*from\s*["']([^"']+)["']/gm)].map((match) =>
      found(match[2] ?? "", match[1] ?? ""),
    ),
    ...[...code.matchAll(/^import\s*["']([^"']+)["']/gm)].map((match) => found(match[1] ?? "", undefined)),
    ...[...code.matchAll(/\b(?:import|require)\s*\(\s*["']([^"']+)["']/g)].map((match) =>
      found(match[1] ?? "", undefined),
    ),
  ];
}

/** Line breaks stay, so line numbers do too. A `//` inside a string counts as a comment only after a blank. */
export function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, "")).replace(/(^|\s)\/\/.*$/gm, "$1");
}

/** One text such as `line 7` for each line that matches. */
export function linesWith(text: string, pattern: RegExp, codeOnly = true): string[] {
  const lines = (codeOnly ? withoutComments(text) : text).split("\n");
  return lines.flatMap((line, index) => (pattern.test(line) ? [`line ${index + 1}`] : []));
}

/** The folder of src/ with this file, or the name of a file directly in src/. Undefined for files outside src/. */
export function partOf(path: string): string | undefined {
  return path.startsWith("src/") ? path.split("/")[1] : undefined;
}

function resolved(path: string, from: string): string {
  const parts = path.split("/").slice(0, -1);
  for (const part of from.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

function namesOf(clause: string): string[] | undefined {
  const braces = /\{([^}]*)\}/.exec(clause);
  const outside = clause.replace(/\{[^}]*\}/, "").replace(/[\s,]|^type\b/g, "");
  if (braces === null || outside !== "") return undefined;
  const names = (braces[1] ?? "").split(",").map((name) => name.trim());
  return names
    .filter((name) => name !== "" && !name.startsWith("type "))
    .map((name) => name.split(/\s+as\s+/)[0] ?? "");
}
