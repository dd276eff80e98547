/**
 * Where the configuration is read from, and what its patterns and tokens ask about this machine. Reading is by the
 * rules of ssh: a file of the user's that others could write is refused, and one that is missing is nothing.
 */
import { spawnSync } from "node:child_process";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { join } from "node:path";
import { Malformed } from "../../codec/malformed.ts";
import { visible } from "../../text/terminal-text.ts";
import { currentUser, homeOf, ownUid } from "../current-user.ts";
import { matchingPaths } from "./include-paths.ts";
import { refuseShared } from "./private-file.ts";

export interface ConfigSources {
  /** The user's file and the system's. */
  readonly userFile: string;
  readonly systemFile: string;
  /** Where relative names of Include are looked up, for files of the user's and for the system's. */
  readonly userFolder: string;
  readonly systemFolder: string;
  readonly machine: Machine;
  /** The text of a file. A Malformed when it `isPrivate`, that is nobody else may be able to write it, and one can. */
  read(path: string, isPrivate: boolean): string | Unreadable;
  /** The files that a pattern of Include names, in the order of their names. */
  paths(pattern: string): readonly string[];
  /** Match exec: whether the command ends with 0. */
  succeeds(command: string): boolean;
}

export interface Unreadable {
  readonly why: string;
  readonly isMissing: boolean;
}

/** What tokens stand for. */
export interface Machine {
  readonly home: string;
  readonly user: string;
  readonly uid: string;
  readonly host: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `~user`; undefined when there is no such user. */
  homeOf(user: string): string | undefined;
}

export function realSources(environment: NodeJS.ProcessEnv): ConfigSources {
  const home = homedir();
  return {
    userFile: join(home, ".ssh", "config"),
    systemFile: "/etc/ssh/ssh_config",
    userFolder: join(home, ".ssh"),
    systemFolder: "/etc/ssh",
    machine: { home, user: currentUser(), uid: String(ownUid() ?? ""), host: hostname(), environment, homeOf },
    read: readConfigFile,
    paths: matchingPaths,
    succeeds: (command) => runs(command, environment),
  };
}

/** Nobody writes as much; it bounds what a device or a wrong file can do. */
const maxBytes = 16 * 1024 * 1024;

/** How long a Match exec may take: everything waits for it. */
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
    if (isPrivate) refuseShared(stats, currentUser());
    // As for ssh nothing can be read from a directory, and that is no error: `Include conf.d/*` may meet one.
    return stats.isDirectory() ? "" : readAll(file);
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

/** The user's own shell, as ssh runs it (readconf.c, execute_in_shell): only stderr is shown. */
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
  return reasons[String(codeOf(error))] ?? visible(error instanceof Error ? error.message : String(error), 200);
}
