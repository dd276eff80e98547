/** Temporary directories, each fresh and private (0700). They are removed when the process ends, or earlier. */
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { atExit } from "./lifetime.ts";

/**
 * Makes a directory. Its path is short, for unix sockets (104 bytes), and has no links, so that paths can be compared.
 */
export function tempDirectory(name = "porthop"): string {
  const directory = mkdtempSync(join(realpathSync(tmpdir()), `${name}-`));
  forgets.set(
    directory,
    atExit(() => rmSync(directory, { recursive: true, force: true })),
  );
  return directory;
}

/** Removes a directory of `tempDirectory` before the process ends. */
export function removeTemp(directory: string): void {
  const forget = forgets.get(directory);
  if (forget === undefined) throw new Error(`not a directory of tempDirectory: ${directory}`);
  rmSync(directory, { recursive: true, force: true });
  forgets.delete(directory);
  forget();
}

const forgets = new Map<string, () => void>();
