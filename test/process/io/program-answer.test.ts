import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { programAnswer } from "../../../src/io/program-answer.ts";
import { need } from "../../kit/packages.ts";
import { tempDirectory } from "../../kit/temp.ts";

const limits = { skip: need("sh"), timeout: 30_000 };
const { env } = process;

function answer(script: string, ...words: readonly string[]): Promise<string | undefined> {
  return programAnswer("/bin/sh", ["-c", script, "sh", ...words], env);
}

test("The answer is the first line, and words arrive as they are.", limits, async () => {
  assert.equal(await answer('echo "<$1>"; echo more', "a b; $(id) `id` 'c'"), "<a b; $(id) `id` 'c'>");
  assert.equal(await answer("printf 'no line end'"), "no line end");
  assert.equal(await answer("printf 'DOS\\r\\n'"), "DOS");
  assert.equal(await answer(":"), "");
});

test("A failure is a refusal, whatever was printed before.", limits, async () => {
  assert.equal(await answer("echo yes; exit 3"), undefined);
  assert.equal(await answer("echo yes; kill -TERM $$"), undefined);
});

test("An answer is kept as far as ssh keeps it, and the rest is read and dropped.", limits, async () => {
  const long = await answer("head -c 200000 /dev/zero | tr '\\0' x; echo");
  assert.equal(long?.length, 1023);
});

test("A program that is not there rejects.", limits, async () => {
  await assert.rejects(programAnswer("/nowhere/at/all", [], env), { code: "ENOENT" });
});

test("The program ends when nobody wants its answer any more, and is not started then.", limits, async () => {
  const stop = new AbortController();
  const mark = join(tempDirectory("asking"), "began");
  assert.equal(spawnSync("mkfifo", [mark]).status, 0);
  const asking = programAnswer("/bin/sh", ["-c", `echo >'${mark}'; exec sleep 100`], env, stop.signal);
  await readFile(mark);
  stop.abort(new Error("enough"));
  await assert.rejects(asking, { message: "enough" });
  await assert.rejects(programAnswer("/bin/sh", ["-c", "exec sleep 100"], env, stop.signal), { message: "enough" });
  const early = new AbortController();
  const unborn = programAnswer("/bin/sh", ["-c", "exec sleep 100"], env, early.signal);
  early.abort(new Error("at once"));
  await assert.rejects(unborn, { message: "at once" });
});
