/** A few lines of TypeScript as a separate program, run by the runtime of this test. */
import { join } from "node:path";
import { currentRuntime, projectRoot } from "./runtime.ts";

/** Each key of `imports` has imported names; the value is the file, from the project's root. Run the command there. */
export function snippetCommand(imports: Readonly<Record<string, string>>, body: string): [string, ...string[]] {
  const lines = Object.entries(imports).map(
    ([names, path]) => `import { ${names} } from ${JSON.stringify(join(projectRoot, path))};`,
  );
  const code = [...lines, body].join("\n");
  return currentRuntime === "bun"
    ? [process.execPath, "-e", code]
    : [process.execPath, "eval", "--ext=ts", "--no-check", code];
}
