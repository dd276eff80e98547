/**
 * When a program asks in the terminal's place, and which: SSH_ASKPASS and SSH_ASKPASS_REQUIRE, with the rules of ssh(1)
 * (readpass.c, read_passphrase).
 */
import { accessSync, constants } from "node:fs";
import { join } from "node:path";

export interface Askpass {
  /** The path of the program. */
  readonly program: string;
  /** True when the program asks also where there is a terminal. */
  readonly isPreferred: boolean;
}

/**
 * Undefined when no program may ask: without a display, unless it is forced; with `never`; or when there is no such
 * program. `isThere` tells whether a file can be run.
 */
export function askpassOf(environment: NodeJS.ProcessEnv, isThere = canRun): Askpass | undefined {
  const { SSH_ASKPASS: wanted, SSH_ASKPASS_REQUIRE: require, DISPLAY, WAYLAND_DISPLAY, PATH } = environment;
  const rule = require?.toLowerCase();
  const hasDisplay = (DISPLAY ?? "") !== "" || (WAYLAND_DISPLAY ?? "") !== "";
  if (rule === "never" || (rule !== "force" && !hasDisplay)) return undefined;
  const program = wanted === undefined ? usual.find(isThere) : found(wanted, PATH, isThere);
  return program === undefined ? undefined : { program, isPreferred: rule === "force" || rule === "prefer" };
}

/** The default of OpenSSH on Debian, Fedora, Arch and SUSE, and OpenSSH's own (pathnames.h). */
const usual: readonly string[] = [
  "/usr/bin/ssh-askpass",
  "/usr/libexec/openssh/ssh-askpass",
  "/usr/lib/ssh/ssh-askpass",
  "/usr/libexec/ssh-askpass",
  "/usr/X11R6/bin/ssh-askpass",
];

/** A name without a slash is looked for in PATH, as execlp(3) does. */
function found(program: string, path: string | undefined, isThere: (file: string) => boolean): string | undefined {
  if (program === "") return undefined;
  if (program.includes("/")) return isThere(program) ? program : undefined;
  const folders = (path ?? "/usr/bin:/bin").split(":");
  return folders.map((folder) => join(folder || ".", program)).find(isThere);
}

function canRun(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
