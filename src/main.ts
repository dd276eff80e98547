#!/usr/bin/env bun
/**
 * Takes argv and gives the exit code. The program is loaded after the first two questions: whether the version is asked
 * for, which needs nothing of it, and whether the process starts anew, which would load all of it twice.
 */
import { startAfresh } from "./cli/fresh-start.ts";
import { versionLine } from "./cli/version.ts";

const words = process.argv.slice(2);
// Not process.stdout: making its stream takes longer than all the rest of such a run.
if (words[0] === "--version" || words[0] === "-V") console.log(versionLine());
else {
  startAfresh(words);
  const { runUntilExit } = await import("./cli/until-exit.ts");
  await runUntilExit(words);
}
