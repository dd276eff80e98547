#!/usr/bin/env bun
/** argv in, exit code out. What escapes as anything but a PorthopError is a defect, and is reported as one. */
import { execute } from "./cli/commands.ts";
import { reportFailure } from "./cli/failure-report.ts";
import { startAfresh } from "./cli/fresh-start.ts";
import { keepIgnored, onSignals } from "./cli/interruption.ts";

/** How long the last events of a tunnel may take to get out. */
const stuckMs = 2000;

const isNode = !("bun" in process.versions || "deno" in process.versions);

const words = process.argv.slice(2);
startAfresh(words);
keepIgnored();
// What nobody waits for (a timer of a plugin, an event of a library) would be printed with the program's own source.
for (const event of ["uncaughtException", "unhandledRejection"] as const) {
  process.on(event, (thrown: unknown) => exit(reportFailure(thrown, words.includes("--json"))));
}

// Whoever waits for what never comes, a plugin for one, is waited for: Node would end with a code of its own (13).
const alive = setInterval(() => {}, 2 ** 31 - 1);
const code = await execute(words).catch((thrown: unknown) => reportFailure(thrown));
clearInterval(alive);
exit(code);

/**
 * stdout may be a pipe that is behind: what was written to it must get out before the process ends. Bun's does not count
 * what it holds, and calls back for an empty write at once: only its end waits for the rest.
 */
function exit(code: number): void {
  const end = () => process.exit(code);
  process.exitCode = code;
  if (process.stdout.destroyed || process.stdout.writableFinished) end();
  // A reader that went away misses nothing.
  process.stdout.on("error", () => {});
  // Node's end is shutdown(2) where stdout is a socket, and takes it from the process behind too (-f).
  if (isNode) process.stdout.write("", end);
  else process.stdout.end(end);
  // One that is stuck holds nobody who asks again, and no tunnel that was told to stop: only a pager may take its time.
  onSignals(end);
  if (words[0] === "run" || words[0] === "relay") setTimeout(end, stuckMs);
}
