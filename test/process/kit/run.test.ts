import assert from "node:assert/strict";
import { test } from "node:test";
import { need } from "../../kit/packages.ts";
import { run } from "../../kit/run.ts";

const limits = { skip: need("sh", "cat"), timeout: 20_000 };

test("Output, errors and the exit code come back.", limits, async () => {
  const told = await run("sh", ["-c", "echo out; echo err >&2; exit 5"]);
  assert.deepEqual([told.code, told.stdout, told.stderr], [5, "out\n", "err\n"]);
});

test("Input of any bytes goes in and comes out whole.", limits, async () => {
  const input = new Uint8Array(500_000).map((_, index) => index % 251);
  assert.ok(Buffer.from(input).equals(Buffer.from((await run("cat", [], { input })).stdoutBytes)));
});

test("Without input it reads an end, not the terminal.", limits, async () => {
  assert.equal((await run("cat")).code, 0);
});

test("A program that a signal ends has the exit code that a shell gives.", limits, async () => {
  assert.equal((await run("sh", ["-c", "kill -KILL $$"])).code, 137);
});

test("A program that does not end is killed with all below it, and the error shows what it said.", limits, async () => {
  await assert.rejects(
    run("sh", ["-c", "echo stuck; sleep 1000 & wait"], { timeoutMs: 500 }),
    /sh did not end within 500 ms; it said:\nstuck/,
  );
});

test("A program that is not there is an error.", limits, async () => {
  await assert.rejects(run("/nowhere/such-program"), /ENOENT/);
});
