/** The files that a program and all its child processes ask the system for, seen by strace(1). */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

export interface FileCall {
  /** The system call: `openat`, `execve`, `readlink` ... */
  readonly call: string;
  /** The absolute path. The file may not exist. */
  readonly path: string;
  readonly line: string;
}

/** The command under strace. After its end, `file` has the system calls. */
export function watched(command: readonly string[], file: string): readonly string[] {
  // --seccomp-bpf stops the program only at these calls, which is faster. -y shows the path of a descriptor.
  return ["strace", "--follow-forks", "--seccomp-bpf", "-y", "-s", "4096", "-o", file, "-e", "trace=%file", ...command];
}

/** `folder` is the folder in which the program was started. */
export function fileCalls(file: string, folder: string): readonly FileCall[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line) => fileCall(line, folder));
}

export function fileCall(line: string, folder: string): readonly FileCall[] {
  const [, call = "", base = folder, quoted] =
    /^\d+ +(\w+)\((?:(?:AT_FDCWD|\d+)(?:<([^>]*)>)?, )?"((?:[^"\\]|\\.)*)"/.exec(line) ?? [];
  // An empty name means the descriptor itself. getcwd returns a path and asks for none.
  if (quoted === undefined || quoted === "" || call === "getcwd") return [];
  return [{ call, path: resolve(base, unescaped(quoted)), line }];
}

function unescaped(text: string): string {
  return text.replace(/\\(["\\])/g, "$1");
}
