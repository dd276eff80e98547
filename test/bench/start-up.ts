/**
 * Start-up of the executable, against a hello-world one built the same way in the same run; and how long the wizard takes
 * to its first question, in a terminal.
 */
import { spawnSync } from "node:child_process";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { launch } from "../kit/launch.ts";
import { pty } from "../kit/pty.ts";
import { tempDirectory } from "../kit/temp.ts";
import { median } from "./measure.ts";

export async function startUp(program: string, runs: number): Promise<void> {
  const folder = tempDirectory("hello");
  const source = join(folder, "hello.ts");
  const hello = join(folder, "hello");
  writeFileSync(source, 'console.log("hello");\n');
  const flags = ["--compile", "--minify", "--bytecode", "--format=esm", `--outfile=${hello}`];
  const built = spawnSync(process.execPath, ["build", source, ...flags], { stdio: ["ignore", "ignore", "inherit"] });
  if (built.status !== 0) throw new Error("the hello-world executable could not be built");
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let run = 0; run <= runs; run++) {
    const [one, other] = [timed(program, ["--version"]), timed(hello, [])];
    if (run === 0) continue;
    ours.push(one);
    theirs.push(other);
  }
  console.log(`start-up, ms, ${runs} runs`);
  console.log(`  hello world                        ${median(theirs).toFixed(1).padStart(8)}`);
  console.log(`  porthop --version                  ${median(ours).toFixed(1).padStart(8)}`);
  const more = median(ours) - median(theirs);
  console.log(`  beyond hello world                 ${more.toFixed(1).padStart(8)}  (at most 10)`);
  console.log(
    `  the executable, MiB                ${(statSync(program).size / 1024 / 1024).toFixed(1).padStart(8)}\n`,
  );
  await firstQuestion(hello, runs);
}

/** Both figures include script, sh and stty, which make the terminal. */
async function firstQuestion(hello: string, runs: number): Promise<void> {
  const { command, env } = launch(["wizard"], { env: { TERM: "xterm-256color" } });
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let run = 0; run <= runs; run++) {
    const other = await untilSeen([hello], /hello/, env);
    const one = await untilSeen(command, /What do you want to do\?[\s\S]*Just move a port/, env);
    if (run === 0) continue;
    ours.push(one);
    theirs.push(other);
  }
  console.log(`in a terminal, ms, ${runs} runs`);
  console.log(`  hello world                        ${median(theirs).toFixed(1).padStart(8)}`);
  console.log(`  porthop wizard, first question     ${median(ours).toFixed(1).padStart(8)}  (at most 100)\n`);
}

async function untilSeen(
  command: readonly string[],
  what: RegExp,
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const start = performance.now();
  await using terminal = pty(command, { env });
  await terminal.screen(what);
  return performance.now() - start;
}

function timed(program: string, words: readonly string[]): number {
  const start = performance.now();
  const ran = spawnSync(program, words, { stdio: "ignore" });
  if (ran.status !== 0) throw new Error(`${program} ended with ${ran.status}`);
  return performance.now() - start;
}
