/**
 * The users of this machine, as the system knows them: first /etc/passwd, and for users who are not in it (LDAP,
 * systemd, macOS) the programs that ask the name service. No runtime calls getpwuid. What they print is not trusted.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";

export interface UserRow {
  readonly name: string;
  readonly uid: number;
  /** Undefined when only the name is known. */
  readonly home: string | undefined;
}

/** The row of our own user, by number. `nobody`: the system says that there is none. Undefined when nothing could be asked. */
export function ownRow(uid: number): UserRow | "nobody" | undefined {
  return localUsers().find((row) => row.uid === uid) ?? asked(uid);
}

export function userNamed(name: string): UserRow | undefined {
  const local = localUsers().find((row) => row.name === name);
  if (local !== undefined || !isPlainName(name)) return local;
  const row = passwdRow(run("getent", ["passwd", name]));
  return row?.name === name ? row : undefined;
}

/** A row of passwd(5), or of macOS's `id -P`, which has three fields more; undefined for any other text. */
export function passwdRow(text: string | undefined): UserRow | undefined {
  const fields = text?.split("\n", 1)[0]?.split(":") ?? [];
  if (fields.length !== 7 && fields.length !== 10) return undefined;
  const [name = "", , number = ""] = fields;
  const home = fields.at(-2) ?? "";
  if (!isPlainName(name) || !/^\d{1,10}$/.test(number)) return undefined;
  return { name, uid: Number(number), home: isAbsolute(home) && !/\p{Cc}/u.test(home) ? home : undefined };
}

/** The rows of a database file, cut at the colons. Empty when the file cannot be read. */
export function databaseRows(path: string): readonly (readonly string[])[] {
  try {
    return readFileSync(path, "utf8")
      .split("\n")
      .map((row) => row.split(":"));
  } catch {
    return [];
  }
}

function localUsers(): readonly UserRow[] {
  return databaseRows("/etc/passwd").flatMap((fields) => passwdRow(fields.join(":")) ?? []);
}

function asked(uid: number): UserRow | "nobody" | undefined {
  const answer = run("getent", ["passwd", String(uid)]);
  const row = passwdRow(answer) ?? (process.platform === "darwin" ? passwdRow(run("id", ["-P"])) : undefined);
  if (row?.uid === uid) return row;
  const name = run("id", ["-un"])?.trim();
  if (name !== undefined && isPlainName(name) && !/^\d+$/.test(name)) return { name, uid, home: undefined };
  return answer === undefined && name === undefined ? undefined : "nobody";
}

/** Also names with a blank or a backslash, which domains of Windows have. No name may look like a flag. */
function isPlainName(name: string): boolean {
  return /^[^-:\s\p{C}][^:\p{C}]{0,254}$/u.test(name);
}

/** Folders in which only root can put a program. The working folder and $PATH do not count. */
const folders = ["/usr/bin", "/bin", "/run/current-system/sw/bin"];

/** A name service may be far away. No answer is longer. */
const limits = { timeout: 5000, maxBuffer: 64 * 1024 };

/** What the program prints; empty when it says no. Undefined when it is not there, or does not answer in time. */
function run(program: string, args: readonly string[]): string | undefined {
  const path = folders.map((folder) => join(folder, program)).find((each) => existsSync(each));
  if (path === undefined) return undefined;
  try {
    // The environment may name another database (NSS_WRAPPER_PASSWD in a container).
    const { status, stdout, error } = spawnSync(path, args, {
      ...limits,
      cwd: "/",
      env: { ...process.env, LC_ALL: "C" },
      killSignal: "SIGKILL",
      stdio: ["ignore", "pipe", "ignore"],
      encoding: "utf8",
    });
    if (error !== undefined || status === null) return undefined;
    return status === 0 ? stdout : "";
  } catch {
    // Deno without the permission to run programs.
    return undefined;
  }
}
