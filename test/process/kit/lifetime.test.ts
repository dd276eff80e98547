import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { atExit } from "../../kit/lifetime.ts";
import { isAlive } from "../../kit/processes.ts";
import { run } from "../../kit/run.ts";
import { currentRuntime, projectRoot, testCommand } from "../../kit/runtime.ts";
import { removeTemp, tempDirectory } from "../../kit/temp.ts";

const timeout = 60_000;

test("What a file shares is opened once, by the first test that asks, and closed after the last.", {
  timeout,
}, async () => {
  const told = await runTestFile(`
    import { shared } from "${projectRoot}/test/kit/lifetime.ts";
    const open = shared(() => { write("open"); return { [Symbol.asyncDispose]: async () => write("close") }; });
    const never = shared(() => { write("never"); return { [Symbol.asyncDispose]: async () => write("never closed") }; });
    test("first", () => write("first"));
    test("second", async () => { await open(); write("second"); });
    test("third", async () => { await open(); write("third"); });
  `);
  assert.equal(told.code, 0, told.stderr);
  assert.equal(told.written, "first open second third close ");
});

test("An opening that fails fails the tests that ask, and nothing else.", { timeout }, async () => {
  const told = await runTestFile(`
    import { shared } from "${projectRoot}/test/kit/lifetime.ts";
    const open = shared(() => { throw new Error("no luck"); });
    test("first", async () => { await open().catch((error) => write(error.message)); });
    test("second", async () => { await open().catch((error) => write(error.message)); });
  `);
  assert.deepEqual([told.code, told.written], [0, "no luck no luck "]);
});

test("What a test forgot is undone at the end of the run, the last first, even when one undoing fails.", {
  timeout,
}, async () => {
  const told = await runTestFile(`
    import { spawn } from "node:child_process";
    import { atExit } from "${projectRoot}/test/kit/lifetime.ts";
    import { killTree } from "${projectRoot}/test/kit/processes.ts";
    import { tempDirectory } from "${projectRoot}/test/kit/temp.ts";
    test("forgets", () => {
      write(tempDirectory("forgotten"));
      const child = spawn("sleep", ["1000"]);
      write(String(child.pid));
      atExit(() => killTree(child.pid));
      atExit(() => write("first"));
      atExit(() => { throw new Error("cannot"); });
      atExit(() => write("taken back"))();
      atExit(() => write("last"));
    });
    test("is skipped", { skip: true }, () => {});
  `);
  const [directory = "", pid, ...undone] = told.written.trim().split(" ");
  assert.deepEqual(undone, ["last", "first"]);
  assert.match(directory, /forgotten-/);
  assert.equal(existsSync(directory), false);
  assert.equal(isAlive(Number(pid)), false);
});

test("Taking an undoing back twice is no error.", () => {
  const forget = atExit(() => {});
  forget();
  forget();
});

async function runTestFile(body: string) {
  const directory = tempDirectory("lifetime");
  const [file, output] = [join(directory, "fixture.test.ts"), join(directory, "written")];
  writeFileSync(
    file,
    `import { appendFileSync } from "node:fs";
     import { test } from "node:test";
     const write = (text) => appendFileSync(${JSON.stringify(output)}, text + " ");
     ${body}`,
  );
  writeFileSync(output, "");
  const [command = "", ...args] = testCommand(currentRuntime, file);
  const told = await run(command, args, { cwd: directory });
  const written = readFileSync(output, "utf8");
  removeTemp(directory);
  return { ...told, written };
}
