/**
 * Puts the home directory in place of the `~` in `~` and `~/x`, as a shell does. Any other path stays unchanged, also
 * `~user`, which needs the user database.
 */
import { join } from "node:path";

export function underHome(path: string, home: string): string {
  if (path === "~") return home;
  return path.startsWith("~/") ? join(home, path.slice(2)) : path;
}
