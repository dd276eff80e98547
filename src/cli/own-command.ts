/** The command that started this program: one file when compiled, a runtime and a script when run from source. */

export function ownCommand(): readonly string[] {
  const script = process.argv[1] ?? "";
  if (script.startsWith("/$bunfs/") || script.includes("~BUN")) return [process.execPath];
  if ("deno" in process.versions) return [process.execPath, "run", "-A", script];
  return [process.execPath, script];
}
