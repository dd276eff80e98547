#!/usr/bin/env bun
/** argv in, exit code out. What escapes as anything but a PorthopError is a defect, and is reported as one. */
import { execute } from "./cli/commands.ts";
import { reportFailure } from "./cli/failure.ts";

const code = await execute(process.argv.slice(2)).catch((thrown: unknown) => reportFailure(thrown));
// stdout may be a pipe that is behind: what was written to it must get out before the process ends.
process.stdout.write("", () => process.exit(code));
