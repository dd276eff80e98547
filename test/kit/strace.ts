/** Which files a program asks the system for, itself and all that it starts, seen by strace(1). */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

export interface FileCall {
  /** `openat`, `execve`, `readlink` ... */
  readonly call: string;
  /** Absolute, whether or not there is such a file. */
  readonly path: string;
  readonly line: string;
}

/** The command, watched: what it asks for is in `file` once it has ended. */
export function watched(command: readonly string[], file: string): readonly string[] {
  // --seccomp-bpf stops the program only where there is something to be seen; -y shows what a descriptor stands for.
  return ["strace", "--follow-forks", "--seccomp-bpf", "-y", "-s", "4096", "-o", file, "-e", "trace=%file", ...command];
}

/** `folder` is the one that the program was started in. */
export function fileCalls(file: string, folder: string): readonly FileCall[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line) => fileCall(line, folder));
}

export function fileCall(line: string, folder: string): readonly FileCall[] {
  const [, call = "", base = folder, quoted] =
    /^\d+ +(\w+)\((?:(?:AT_FDCWD|\d+)(?:<([^>]*)>)?, )?"((?:[^"\\]|\\.)*)"/.exec(line) ?? [];
  // An empty name is the descriptor itself; getcwd gives a path and asks for none.
  if (quoted === undefined || quoted === "" || call === "getcwd") return [];
  return [{ call, path: resolve(base, unescaped(quoted)), line }];
}

function unescaped(text: string): string {
  return text.replace(/\\(["\\])/g, "$1");
}
