/**
 * The user who runs porthop, who is also the default user to log in as, with the home folder. As in ssh, the user
 * database is asked by number: under Bun os.userInfo() only repeats $USER, and says "unknown" when it is not set.
 */
import { homedir, userInfo } from "node:os";
import { isAbsolute } from "node:path";
import { PorthopError } from "../errors.ts";
import { databaseRows, ownRow, type UserRow, userNamed } from "./user-database.ts";

/** Throws where nobody can tell. As in ssh, $USER is no answer when the system says that there is no such user. */
export function currentUser(): string {
  const name = currentUserName();
  if (name !== undefined) return name;
  throw new PorthopError("usage", `no user exists for uid ${ownUid()}, so the name to log in with is not known`, {
    hint: "say it: user@host, -l user, or a line User in ~/.ssh/config",
  });
}

/** Undefined where nobody can tell. */
export function currentUserName(): string | undefined {
  const own = ownUser();
  return own === "nobody" ? undefined : (own?.name ?? nameInEnvironment());
}

/**
 * The home folder, for all that is named by `~`. Unlike ssh, porthop heeds $HOME; but where that is missing, relative or
 * `/`, as in services and containers, the folder is that of the user database.
 */
export function currentHome({ HOME: said }: NodeJS.ProcessEnv): string {
  if (process.platform === "win32") return homedir();
  const isSaid = said !== undefined && isAbsolute(said);
  if (isSaid && said !== "/") return said;
  const own = ownUser();
  return (own === "nobody" ? undefined : own?.home) ?? "/";
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

/** The home directory that `~user` means; undefined for a user that there is not. */
export function homeOf(user: string): string | undefined {
  return userNamed(user)?.home;
}

/**
 * The names of all members of a group, also of users who have the group as their first one.
 * Empty when no member is known.
 */
export function groupMembers(gid: number): readonly string[] {
  const listed = databaseRows("/etc/group").find(([, , number]) => Number(number) === gid)?.[3] ?? "";
  const first = databaseRows("/etc/passwd").filter(([, , , number]) => Number(number) === gid);
  return [...listed.split(","), ...first.map(([name]) => name ?? "")].filter((name) => name !== "");
}

let known: { readonly uid: number; readonly user: UserRow | "nobody" | undefined } | undefined;

/** Asked once, because the answer may come from another machine. */
function ownUser(): UserRow | "nobody" | undefined {
  const uid = ownUid();
  if (uid === undefined) return undefined;
  if (known?.uid !== uid) known = { uid, user: ownRow(uid) };
  return known.user;
}

function nameInEnvironment(): string | undefined {
  if (process.platform === "win32") return userInfo().username;
  return process.env["LOGNAME"] || process.env["USER"] || undefined;
}
