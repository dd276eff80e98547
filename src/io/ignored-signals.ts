/**
 * Signals that were ignored when porthop was started (nohup, `&` in a script) stay ignored, as with ssh (clientloop.c,
 * client_loop), and for the programs that porthop starts too: a listener would take them, and a spawn resets them.
 */
import { readFileSync } from "node:fs";
import { constants } from "node:os";

/** Those that ask a program to end; the others are the runtime's own business. */
const endings = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"] as const;
export type EndingSignal = (typeof endings)[number];

/** From the `SigIgn` of a `/proc/PID/status` (proc(5)): bit 0 is signal 1. */
export function ignoredIn(status: string): ReadonlySet<EndingSignal> {
  const [, mask = "0"] = /^SigIgn:\s*([0-9a-f]+)$/m.exec(status) ?? [];
  const bits = BigInt(`0x${mask}`);
  return new Set(endings.filter((name) => (bits >> BigInt(constants.signals[name] - 1)) & 1n));
}

/** Read while the program loads: the first listener of a signal hides how it was. Where there is no /proc nobody knows. */
export const ignoredAtStart: ReadonlySet<EndingSignal> = ignoredIn(ownStatus());

/** `words`, the command of a program to be started, so that it ignores what this one was to ignore. */
export function ignoring(words: readonly string[], ignored = ignoredAtStart): readonly string[] {
  if (ignored.size === 0) return words;
  // What a shell was told to ignore stays ignored in the program that takes its place (POSIX, trap).
  const names = [...ignored].map((name) => name.replace("SIG", "")).join(" ");
  return ["/bin/sh", "-c", `trap '' ${names}; exec "$@"`, "sh", ...words];
}

function ownStatus(): string {
  try {
    return readFileSync("/proc/self/status", "latin1");
  } catch {
    return "";
  }
}
