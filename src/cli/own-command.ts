/** How this very program was started: compiled it is one file, as source a runtime runs it. */

export function ownCommand(): readonly string[] {
  const script = process.argv[1] ?? "";
  if (script.startsWith("/$bunfs/") || script.includes("~BUN")) return [process.execPath];
  if ("deno" in process.versions) return [process.execPath, "run", "-A", script];
  return [process.execPath, script];
}
