import assert from "node:assert/strict";
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withLock } from "../../kit/lock.ts";
import { run } from "../../kit/run.ts";
import { currentRuntime, projectRoot, scriptCommand } from "../../kit/runtime.ts";
import { removeTemp, tempDirectory } from "../../kit/temp.ts";

const timeout = 60_000;
const user = process.getuid?.() ?? 0;

test("The result comes back, and nothing is left behind, also when the work throws.", () => {
  const directory = tempDirectory("lock");
  assert.equal(
    withLock("work", () => 42, directory),
    42,
  );
  const failing = () => {
    throw new Error("work failed");
  };
  assert.throws(() => withLock("work", failing, directory), /work failed/);
  assert.deepEqual(readdirSync(directory), []);
  removeTemp(directory);
});

test("Processes that count at the same time under a lock lose no count.", { timeout }, async () => {
  const directory = tempDirectory("lock");
  const [script, count] = [join(directory, "count.ts"), join(directory, "count")];
  writeFileSync(count, "0");
  writeFileSync(
    script,
    `import { readFileSync, writeFileSync } from "node:fs";
     import { withLock } from "${projectRoot}/test/kit/lock.ts";
     for (let turn = 0; turn < 20; turn++) withLock("count", () => {
       const before = Number(readFileSync(${JSON.stringify(count)}, "utf8"));
       for (let spin = 0; spin < 1e6; spin++);
       writeFileSync(${JSON.stringify(count)}, String(before + 1));
     }, ${JSON.stringify(directory)});
     process.stdout.write(readFileSync(${JSON.stringify(count)}));`,
  );
  const [command = "", ...args] = scriptCommand(currentRuntime, script);
  const told = await Promise.all([1, 2, 3].map(() => run(command, args)));
  const counts = told.map(({ stdout }) => Number(stdout));
  assert.equal(Math.max(...counts), 60, JSON.stringify(told));
  removeTemp(directory);
});

test("The lock of a process that died is taken over, and so is one that is a day old.", { timeout }, async () => {
  const directory = tempDirectory("lock");
  const dead = Number((await run("sh", ["-c", "echo $$"])).stdout);
  const lock = join(directory, `work-${user}.lock`);
  for (const holder of [dead, process.pid]) {
    mkdirSync(lock);
    writeFileSync(join(lock, "holder"), String(holder));
    const yesterday = Date.now() / 1000 - 86_400;
    if (holder === process.pid) utimesSync(lock, yesterday, yesterday);
    assert.equal(
      withLock("work", () => "done", directory),
      "done",
    );
  }
  assert.deepEqual(readdirSync(directory), []);
  removeTemp(directory);
});
