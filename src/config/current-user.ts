/**
 * The name of the user who runs porthop, which is also whom to log in as by default. As ssh does, from the user database
 * by number: under Bun os.userInfo() only repeats $USER, and says "unknown" without it.
 */
import { readFileSync } from "node:fs";
import { userInfo } from "node:os";

export function currentUser(): string {
  const uid = process.getuid?.();
  return (uid === undefined ? undefined : nameOf(uid)) ?? userInfo().username;
}

function nameOf(uid: number): string | undefined {
  const rows = readUserDatabase().split("\n");
  for (const row of rows) {
    const [name, , number] = row.split(":");
    if (name !== undefined && name !== "" && Number(number) === uid) return name;
  }
  return undefined;
}

/** Only local users are in it: for others (LDAP, macOS) what the runtime says has to do. */
function readUserDatabase(): string {
  try {
    return readFileSync("/etc/passwd", "utf8");
  } catch {
    return "";
  }
}
