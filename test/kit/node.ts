/**
 * A Node that is recent enough for porthop: the one of PATH, or where that is older and nothing may be skipped (CI) one
 * that npx fetches.
 */
import { spawnSync } from "node:child_process";

const oldest = 22;
let found: { readonly path: string | undefined } | undefined;

/** Its path; undefined where there is none. Call it at the top level of a test file: fetching one may take a while. */
export function nodeExecutable(): string | undefined {
  found ??= { path: pathOf(["node"]) ?? (process.env["PORTHOP_NO_SKIP"] === "1" ? fetched() : undefined) };
  return found.path;
}

/** Why tests that need it are skipped; false where they are not. */
export function needNode(): false | string {
  return nodeExecutable() === undefined && `needs Node ${oldest} or later`;
}

function fetched(): string {
  const path = pathOf(["npx", "--yes", `--package=node@${oldest}`, "node"]);
  if (path === undefined) throw new Error(`npx fetched no Node ${oldest}, and PORTHOP_NO_SKIP=1 forbids to skip`);
  return path;
}

function pathOf([program = "", ...args]: readonly string[]): string | undefined {
  const script = `Number.parseInt(process.versions.node) >= ${oldest} ? process.execPath : ""`;
  const { status, stdout } = spawnSync(program, [...args, "--print", script], { encoding: "utf8" });
  return status === 0 && stdout.trim() !== "" ? stdout.trim() : undefined;
}
