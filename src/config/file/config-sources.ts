/**
 * Where the configuration is read from, and the facts about this machine that its patterns and tokens need. ssh's rules
 * hold: a user's file that others can write is refused, and a missing file counts as empty.
 */
import { spawnSync } from "node:child_process";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { hostname, networkInterfaces } from "node:os";
import { join } from "node:path";
import { Malformed } from "../../codec/malformed.ts";
import { messageOf } from "../../text/error-message.ts";
import { visible } from "../../text/terminal-text.ts";
import { currentHome, currentUserName, homeOf, ownUid } from "../current-user.ts";
import { matchingPaths } from "./include-paths.ts";
import { refuseShared } from "./private-file.ts";

export interface ConfigSources {
  /** The user's file, then the system's. */
  readonly userFile: string;
  readonly systemFile: string;
  /** The folders at which relative names of Include start: for the user's files, then for the system's. */
  readonly userFolder: string;
  readonly systemFolder: string;
  readonly machine: Machine;
  /** The text of a file. With `isPrivate`, throws Malformed when another user can write the file. */
  read(path: string, isPrivate: boolean): string | Unreadable;
  /** The files that a pattern of Include names, sorted by name. */
  paths(pattern: string): readonly string[];
  /** True for a description of what ssh would do: what porthop does not have is then no error. */
  readonly isOnlyRead?: boolean;
  /** Match exec: true when the command ends with 0, undefined when the command is not run. */
  succeeds(command: string): boolean | undefined;
}

export interface Unreadable {
  readonly why: string;
  readonly isMissing: boolean;
}

/** The values that tokens stand for. */
export interface Machine {
  readonly home: string;
  /** Empty where the user database has no name for the user. */
  readonly user: string;
  readonly uid: string;
  readonly host: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The addresses of its network interfaces. */
  addresses(): readonly string[];
  /** The home folder for `~user`; undefined when there is no such user. */
  homeOf(user: string): string | undefined;
}

export function realSources(environment: NodeJS.ProcessEnv): ConfigSources {
  const home = currentHome(environment);
  return {
    userFile: join(home, ".ssh", "config"),
    systemFile: "/etc/ssh/ssh_config",
    userFolder: join(home, ".ssh"),
    systemFolder: "/etc/ssh",
    machine: {
      home,
      user: currentUserName() ?? "",
      uid: String(ownUid() ?? ""),
      host: hostname(),
      environment,
      addresses: ownAddresses,
      homeOf,
    },
    read: readConfigFile,
    paths: matchingPaths,
    succeeds: (command) => runs(command, environment),
  };
}

function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((found) => found?.map(({ address }) => address) ?? []);
}

/** No real configuration is larger. The limit guards against devices and wrong files. */
const maxBytes = 16 * 1024 * 1024;

/** The limit for a command of Match exec. porthop waits for the command. */
const execMs = 30_000;

function readConfigFile(path: string, isPrivate: boolean): string | Unreadable {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    return { why: reasonOf(error), isMissing: codeOf(error) === "ENOENT" };
  }
  try {
    const stats = fstatSync(file);
    if (isPrivate) refuseShared(stats, currentUserName());
    // As with ssh, a directory counts as empty and is no error: `Include conf.d/*` may find one.
    return stats.isDirectory() ? "" : readAll(file);
  } catch (error) {
    if (error instanceof Malformed) throw error;
    return { why: reasonOf(error), isMissing: false };
  } finally {
    closeSync(file);
  }
}

function readAll(file: number): string {
  const chunks: Buffer[] = [];
  let total = 0;
  for (;;) {
    const chunk = Buffer.alloc(64 * 1024);
    const bytes = readSync(file, chunk, 0, chunk.length, null);
    if (bytes === 0) return Buffer.concat(chunks).toString("utf8");
    total += bytes;
    if (total > maxBytes) throw new Malformed(`it is larger than ${maxBytes} bytes`);
    chunks.push(chunk.subarray(0, bytes));
  }
}

/** Runs a command in the user's own shell, as ssh does (readconf.c, execute_in_shell). Only stderr is shown. */
function runs(command: string, environment: NodeJS.ProcessEnv): boolean {
  const shell = environment["SHELL"] || "/bin/sh";
  const { status, error, signal } = spawnSync(shell, ["-c", command], {
    env: environment,
    stdio: ["ignore", "ignore", "inherit"],
    timeout: execMs,
    killSignal: "SIGKILL",
  });
  if (status !== null && error === undefined) return status === 0;
  const why =
    codeOf(error) === "ETIMEDOUT" || signal === "SIGKILL"
      ? `did not end within ${execMs / 1000} s`
      : (signal ?? reasonOf(error));
  throw new Malformed(`the command of exec, ${visible(command, 100)}: ${why}`);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

function reasonOf(error: unknown): string {
  const reasons: Readonly<Record<string, string>> = {
    EACCES: "permission denied",
    ENOENT: "no such file or directory",
    ENOTDIR: "not a directory",
    EPERM: "not permitted",
    ELOOP: "too many symbolic links",
    ENAMETOOLONG: "the name is too long",
  };
  return reasons[String(codeOf(error))] ?? visible(messageOf(error), 200);
}
