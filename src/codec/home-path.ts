/** `~` and `~/x` below a home, as a shell has them; any other path stays as it is. (`~user` needs the user database.) */
import { join } from "node:path";

export function underHome(path: string, home: string): string {
  if (path === "~") return home;
  return path.startsWith("~/") ? join(home, path.slice(2)) : path;
}
