import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { shellLine } from "../../../src/codec/words/shell-words.ts";
import { run } from "../../kit/run.ts";
import { commandsTyping, typed } from "../../kit/wizard-texts.ts";

test("A shell reads the very same words, whatever was typed.", { timeout: 60_000 }, async () => {
  const property = fc.asyncProperty(typed, async (texts) => {
    const commands = commandsTyping(texts);
    // A line each, all in one shell.
    const script = commands.map((words) => `printf '%s\\0' ${shellLine(words)}`).join("\n");
    const { stdout, code } = await run("sh", ["-c", script], { env: { PATH: "/usr/bin:/bin" }, cwd: "/" });
    assert.equal(code, 0);
    assert.deepEqual(stdout.split("\0").slice(0, -1), commands.flat());
  });
  await fc.assert(property, { numRuns: 60 });
});
