/**
 * The compiled executable dist/porthop, and the script for Node beside it. Each is built when it is missing or older than
 * its sources. When several test processes ask at once, one builds and the others wait.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "./lock.ts";
import { projectRoot } from "./runtime.ts";

/**
 * The path of the executable. Call this at the top level of a test file, before the first test that runs the
 * executable: a build takes longer than a test's time limit, and Bun kills the processes of a test whose time is over.
 */
export function builtExecutable(root = projectRoot): string {
  return built("build", join(root, "dist", "porthop"), root);
}

/** The same for the script that Node runs. */
export function builtForNode(root = projectRoot): string {
  return built("build:node", join(root, "dist", "porthop-node.mjs"), root);
}

function built(script: string, file: string, root: string): string {
  if (isCurrent(file, root)) return file;
  return withLock("porthop-build", () => {
    if (!isCurrent(file, root)) build(script, root);
    if (!isCurrent(file, root)) throw new Error(`npm run ${script} did not make ${file} anew`);
    return file;
  });
}

const sources = ["src", "plugins", "build.ts", "package.json", "package-lock.json", "LICENSE"];

function isCurrent(executable: string, root: string): boolean {
  const built = modifiedMs(executable);
  return built > 0 && sources.every((source) => newestMs(join(root, source)) <= built);
}

function build(script: string, root: string): void {
  process.stderr.write(`test kit: npm run ${script}\n`);
  const built = spawnSync("npm", ["run", script], { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  if (built.status !== 0) throw new Error(`npm run ${script} failed:\n${built.stdout}${built.stderr}`);
}

/** The latest change of a file, or of anything below a directory, in ms since 1970. 0 when nothing is there. */
function newestMs(path: string): number {
  try {
    const below = readdirSync(path).map((name) => newestMs(join(path, name)));
    return Math.max(modifiedMs(path), ...below);
  } catch {
    return modifiedMs(path);
  }
}

function modifiedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
