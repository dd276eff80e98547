#!/usr/bin/env bun
/** argv in, exit code out. What escapes as anything but a PorthopError is a defect, and is reported as one. */
import { execute } from "./cli/commands.ts";
import { reportFailure } from "./cli/failure.ts";

const words = process.argv.slice(2);
// What nobody waits for (a timer of a plugin, an event of a library) would be printed with the program's own source.
for (const event of ["uncaughtException", "unhandledRejection"] as const) {
  process.on(event, (thrown: unknown) => exit(reportFailure(thrown, words.includes("--json"))));
}

exit(await execute(words).catch((thrown: unknown) => reportFailure(thrown)));

/** stdout may be a pipe that is behind: what was written to it must get out before the process ends. */
function exit(code: number): void {
  process.stdout.write("", () => process.exit(code));
}
