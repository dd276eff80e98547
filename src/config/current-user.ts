/**
 * Users and groups of this machine, above all the user who runs porthop. That user is also the default user to log
 * in as. As in ssh, the user database is asked by number: under Bun os.userInfo() only repeats $USER, and says
 * "unknown" when $USER is not set.
 */
import { readFileSync } from "node:fs";
import { userInfo } from "node:os";

export function currentUser(): string {
  const uid = process.getuid?.();
  return (uid === undefined ? undefined : nameOf(uid)) ?? userInfo().username;
}

/**
 * Undefined on a system without user numbers (Windows), and under Deno without the permission to ask for the number.
 */
export function ownUid(): number | undefined {
  try {
    return process.getuid?.();
  } catch {
    // Deno wants a permission for this call (--allow-sys=uid) that porthop needs for nothing else.
    return undefined;
  }
}

/** The home directory that `~user` means; undefined for a user that /etc/passwd does not list. */
export function homeOf(user: string): string | undefined {
  return database("/etc/passwd").find(([name]) => name === user)?.[5];
}

/**
 * The names of all members of a group, also of users who have the group as their first one.
 * Empty when no member is known.
 */
export function groupMembers(gid: number): readonly string[] {
  const listed = database("/etc/group").find(([, , number]) => Number(number) === gid)?.[3] ?? "";
  const first = database("/etc/passwd").filter(([, , , number]) => Number(number) === gid);
  return [...listed.split(","), ...first.map(([name]) => name ?? "")].filter((name) => name !== "");
}

function nameOf(uid: number): string | undefined {
  const row = database("/etc/passwd").find(
    ([name, , number]) => name !== "" && number !== "" && Number(number) === uid,
  );
  return row?.[0];
}

/**
 * The rows of a database file, cut at the colons. The file lists local users and groups only: a user of LDAP or macOS
 * is not found here, and currentUser() takes what the runtime says.
 */
function database(path: string): readonly (readonly string[])[] {
  try {
    return readFileSync(path, "utf8")
      .split("\n")
      .map((row) => row.split(":"));
  } catch {
    return [];
  }
}
