/**
 * Users and groups of this machine, above all who runs porthop, which is also whom to log in as by default. As ssh does,
 * from the user database by number: under Bun os.userInfo() only repeats $USER, and says "unknown" without it.
 */
import { readFileSync } from "node:fs";
import { userInfo } from "node:os";

export function currentUser(): string {
  const uid = process.getuid?.();
  return (uid === undefined ? undefined : nameOf(uid)) ?? userInfo().username;
}

/** Undefined where there are no such numbers. */
export function ownUid(): number | undefined {
  try {
    return process.getuid?.();
  } catch {
    // Deno asks for a permission of its own here, which porthop needs for nothing else.
    return undefined;
  }
}

/** The home of a user, for `~user`. */
export function homeOf(user: string): string | undefined {
  return database("/etc/passwd").find(([name]) => name === user)?.[5];
}

/** All who are in a group, be it as their first one or as another; empty when it is not known. */
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

/** Only local users and groups are in it: for others (LDAP, macOS) what the runtime says has to do. */
function database(path: string): readonly (readonly string[])[] {
  try {
    return readFileSync(path, "utf8")
      .split("\n")
      .map((row) => row.split(":"));
  } catch {
    return [];
  }
}
