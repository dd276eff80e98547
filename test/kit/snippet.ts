/** A few lines of TypeScript as a program of their own, run by the runtime that runs the test. */
import { join } from "node:path";
import { currentRuntime, projectRoot } from "./runtime.ts";

/** `imports` says which names are wanted from which file, by its path in the project. To be run in the project's root. */
export function snippetCommand(imports: Readonly<Record<string, string>>, body: string): [string, ...string[]] {
  const lines = Object.entries(imports).map(
    ([names, path]) => `import { ${names} } from ${JSON.stringify(join(projectRoot, path))};`,
  );
  const code = [...lines, body].join("\n");
  return currentRuntime === "bun"
    ? [process.execPath, "-e", code]
    : [process.execPath, "eval", "--ext=ts", "--no-check", code];
}
