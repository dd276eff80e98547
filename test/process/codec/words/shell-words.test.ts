import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { shellLine, splitShellWords } from "../../../../src/codec/words/shell-words.ts";
import { readOrRefused } from "../../../kit/hostile-text.ts";
import { run } from "../../../kit/run.ts";

/** What sh makes of the line, each word ended by a NUL. */
async function shellSays(line: string): Promise<readonly string[]> {
  const { stdout, code } = await run("sh", ["-c", `printf '%s\\0' ${line}`], {
    env: { PATH: "/usr/bin:/bin" },
    cwd: "/",
  });
  assert.equal(code, 0);
  return stdout.split("\0").slice(0, -1);
}

const nasty = [
  "'",
  '"',
  "$",
  "$(id)",
  "`id`",
  "\\",
  "\n",
  "\t",
  " ",
  ";",
  "|",
  "&",
  "*",
  "~",
  "#",
  "!",
  "=",
  "{a,b}",
  "-",
  "é",
  "💣",
];
const word = fc
  .array(fc.oneof(fc.constantFrom(...nasty), fc.string({ unit: "grapheme-ascii", maxLength: 4 })), { maxLength: 8 })
  .map((parts) => parts.join("").replaceAll("\0", ""));

test("sh gives back the very words that were quoted for it, and so does the splitter.", {
  timeout: 60_000,
}, async () => {
  const property = fc.asyncProperty(fc.array(word, { minLength: 1, maxLength: 40 }), async (words) => {
    const line = shellLine(words);
    assert.deepEqual(await shellSays(line), words);
    assert.deepEqual(splitShellWords(line), words);
  });
  await fc.assert(property, { numRuns: 60 });
});

test("Where the splitter has an answer, it is the one of sh.", { timeout: 60_000 }, async () => {
  const pieces = fc.constantFrom("a", "'", '"', "\\", " ", "b", "$", "-L", "1:[::1]:2", "\\\n", "#", "=", "x ", '\\"');
  const property = fc.asyncProperty(fc.array(pieces, { maxLength: 14 }), async (parts) => {
    const text = `w ${parts.join("")}`;
    const words = readOrRefused(() => splitShellWords(text));
    if (words !== undefined) assert.deepEqual(await shellSays(text), words);
  });
  await fc.assert(property, { numRuns: 150 });
});
