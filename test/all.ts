/**
 * `npm test`: builds the executable, installs the tools that the tests need, runs the unit tests and then those that
 * start processes, and says at its end what came of them and how long all of it took.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "./kit/runtime.ts";
import { tempDirectory } from "./kit/temp.ts";
import { readTestReport, sayReports } from "./kit/test-report.ts";

const started = performance.now();
const folder = tempDirectory("all-tests");
const env = { ...process.env, PORTHOP_THOROUGH: "1" };

for (const words of [
  ["run", "build"],
  ["run", "test/kit/install-tools.ts"],
]) {
  const status = bun(words);
  if (status !== 0) process.exit(status);
}
const reports = [
  ["run", "test:unit"],
  ["run", "test:process"],
].map((words, index) => {
  const file = join(folder, `${index}.xml`);
  const status = bun([...words, "--reporter=junit", `--reporter-outfile=${file}`]);
  return readTestReport(existsSync(file) ? readFileSync(file, "utf8") : "", status);
});
console.log(sayReports(reports, performance.now() - started));
process.exit(reports.every(({ failed }) => failed.length === 0) ? 0 : 1);

function bun(words: readonly string[]): number {
  return spawnSync(process.execPath, words, { cwd: projectRoot, env, stdio: "inherit" }).status ?? 1;
}
