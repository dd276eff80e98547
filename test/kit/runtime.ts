/** The runtime that runs this test, and the commands by which each runtime runs a script or a test file. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export type ScriptRuntime = "bun" | "deno";

export const projectRoot = fileURLToPath(new URL("../..", import.meta.url));

export const currentRuntime: ScriptRuntime = process.versions["deno"] === undefined ? "bun" : "deno";

/** What a test skips for, and says in its title: `skip: notOnDeno("...")`. Nothing anywhere else. */
export function notOnDeno(why: string): false | string {
  return currentRuntime === "deno" && `not on Deno: ${why}`;
}

/** Deno's own report shows no reasons: one stands in the title of the test that is skipped for it. */
export function titled(title: string, skipped: false | string): string {
  return skipped === false ? title : `${title} (${skipped})`;
}

/** The command that runs a TypeScript file as a program. */
export function scriptCommand(runtime: ScriptRuntime, script: string): string[] {
  const executable = executableOf(runtime);
  return runtime === "bun" ? [executable, script] : [executable, "run", "-A", "--no-check", script];
}

/** The command that runs one test file. */
export function testCommand(runtime: ScriptRuntime, file: string): string[] {
  const executable = executableOf(runtime);
  return runtime === "bun" ? [executable, "test", file] : [executable, "test", "-A", "--no-check", file];
}

function executableOf(runtime: ScriptRuntime): string {
  if (runtime === currentRuntime) return process.execPath;
  const installed = join(projectRoot, "node_modules", ".bin", runtime);
  return existsSync(installed) ? installed : runtime;
}
