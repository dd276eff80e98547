import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, readdirSync, readlinkSync } from "node:fs";
import { test } from "node:test";
import { openProgramPipes, type ProgramPipes } from "../../../src/io/program-pipes.ts";
import { randomBytes, sha256 } from "../../kit/random.ts";
import { run } from "../../kit/run.ts";
import { currentRuntime, projectRoot } from "../../kit/runtime.ts";
import { snippetCommand } from "../../kit/snippet.ts";
import { tempDirectory } from "../../kit/temp.ts";

const timeout = 30_000;
const skip = currentRuntime === "bun" && process.platform !== "win32" ? false : "only Bun needs pipes of ours";
const onLinux = skip || (existsSync("/proc/self/fd") ? false : "needs /proc");

async function open(): Promise<ProgramPipes> {
  const pipes = await openProgramPipes();
  assert.ok(pipes !== undefined);
  return pipes;
}

async function startWith(command: string) {
  const { stdin, stdout, input, output } = await open();
  const child = spawn("/bin/sh", ["-c", `exec ${command}`], { stdio: [stdin, stdout, "inherit"] });
  for (const theirs of [stdin, stdout]) closeSync(theirs);
  const ended = once(child, "exit");
  return { child, ended, input, output };
}

/** Descriptors of this process that lead to a FIFO of ours. */
function held(): string[] {
  return readdirSync("/proc/self/fd").filter((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`).includes("porthop-pipes-");
    } catch {
      return false;
    }
  });
}

async function untilHeld(count: number): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (held().length !== count) {
    if (performance.now() > deadline) assert.equal(held().length, count);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

test("What is written comes out of the program whole, and both ends end.", { timeout, skip }, async () => {
  const { input, output, ended } = await startWith("cat");
  const content = randomBytes(5_000_000);
  const chunks: Uint8Array[] = [];
  output.on("data", (chunk: Uint8Array) => chunks.push(chunk));
  input.end(content);
  await once(output, "end");
  assert.equal(sha256(Buffer.concat(chunks)), sha256(content));
  assert.deepEqual(await ended, [0, null]);
  if (onLinux === false) await untilHeld(0);
});

test("The program holds its own two ends and no other.", { timeout, skip: onLinux }, async () => {
  const { child, input, output, ended } = await startWith("sh -c 'echo up; read never'");
  await once(output, "data");
  const theirs = readdirSync(`/proc/${child.pid}/fd`).filter((name) =>
    readlinkSync(`/proc/${child.pid}/fd/${name}`).includes("porthop-pipes-"),
  );
  assert.deepEqual(theirs.sort(), ["0", "1"]);
  child.kill();
  await ended;
  input.destroy();
  output.destroy();
  await untilHeld(0);
});

test("No folder is left once the pipes are there, nor where none can be made.", { timeout, skip }, async () => {
  const folder = tempDirectory("pipes");
  const [program, ...args] = snippetCommand(
    { openProgramPipes: "src/io/program-pipes.ts" },
    `import { readdirSync } from "node:fs";
    const how = await openProgramPipes().then(() => "made", (error) => "not made: " + error.message);
    console.log(how, readdirSync(${JSON.stringify(folder)}).length);
    process.exit();`,
  );
  for (const [env, told] of [
    [{ TMPDIR: folder }, /^made 0\n$/],
    [{ TMPDIR: folder, PATH: "/nowhere" }, /^not made: .*mkfifo.* 0\n$/],
    [{ TMPDIR: `${folder}/nowhere` }, /^not made: .*no such.* 0\n$/i],
  ] as const) {
    const { stdout } = await run(program, args, { cwd: projectRoot, env: { ...process.env, ...env } });
    assert.match(stdout, told);
  }
});
