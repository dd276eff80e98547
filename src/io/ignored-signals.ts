/**
 * Signals that were ignored when porthop was started (nohup, `&` in a script) stay ignored, as with ssh (clientloop.c,
 * client_loop), also in the programs that porthop starts. The set must be known for that: a listener would catch an
 * ignored signal, and a spawn resets an ignored signal for the new program.
 */
import { readFileSync } from "node:fs";
import { constants } from "node:os";

/** The signals that ask a program to end. The runtime takes care of all other signals. */
const endings = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"] as const;
export type EndingSignal = (typeof endings)[number];

/** Reads the `SigIgn` line of a `/proc/PID/status` (proc(5)): bit 0 is signal 1. */
export function ignoredIn(status: string): ReadonlySet<EndingSignal> {
  const [, mask = "0"] = /^SigIgn:\s*([0-9a-f]+)$/m.exec(status) ?? [];
  const bits = BigInt(`0x${mask}`);
  return new Set(endings.filter((name) => (bits >> BigInt(constants.signals[name] - 1)) & 1n));
}

/**
 * Read while the program loads, because the first listener for
 * a signal changes `SigIgn`. Empty where there is no /proc.
 */
export const ignoredAtStart: ReadonlySet<EndingSignal> = ignoredIn(ownStatus());

/** Changes `words`, the command of a program to start, so that the program ignores the signals in `ignored`. */
export function ignoring(words: readonly string[], ignored = ignoredAtStart): readonly string[] {
  if (ignored.size === 0) return words;
  // A signal that a shell ignores stays ignored in the program that takes the shell's place (POSIX, trap).
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
