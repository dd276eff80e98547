import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Malformed } from "../../../src/codec/malformed.ts";
import { splitShellWords } from "../../../src/codec/words/shell-words.ts";
import { commandLines, pieceLines } from "../../../src/wizard/command-lines.ts";

const pieces = [
  { words: ["-N"], about: "no shell" },
  { words: ["-L", "8080:localhost:80"], about: "listen on 8080 here; the server connects to localhost:80" },
  { words: ["alice@vishnu"], about: "the server" },
];

test("A command that fits is one line, and one that does not is several that a shell joins again.", () => {
  assert.deepEqual(commandLines("ssh", pieces, 80), ["ssh -N -L 8080:localhost:80 alice@vishnu"]);
  assert.deepEqual(commandLines("ssh", pieces, 36), ["ssh -N -L 8080:localhost:80 \\", "    alice@vishnu"]);
});

test("Whatever the words and the width, the shell reads the same words, and only a lone piece is wider.", () => {
  const word = fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 20 });
  const rows = fc.array(fc.array(word, { minLength: 1, maxLength: 2 }), { maxLength: 8 });
  fc.assert(
    fc.property(rows, fc.integer({ min: 20, max: 100 }), (lists, columns) => {
      const given = lists.map((words) => ({ words, about: "" }));
      const lines = commandLines("ssh", given, columns);
      // A shell takes a backslash before the line's end, and the line's end, as nothing.
      assert.deepEqual(splitShellWords(lines.join("\n")), ["ssh", ...lists.flat()]);
      for (const line of lines.slice(1)) assert.ok(line.length <= columns || line.startsWith("    "));
    }),
  );
});

test("A word that no line can carry is refused.", () => {
  assert.throws(() => commandLines("ssh", [{ words: ["a\nb"], about: "" }], 80), Malformed);
});

test("Each flag has its reason beside it, or below it where the screen is narrow.", () => {
  assert.deepEqual(pieceLines(pieces, 50), [
    "-N                    no shell",
    "-L 8080:localhost:80  listen on 8080 here; the",
    "                      server connects to",
    "                      localhost:80",
    "alice@vishnu          the server",
  ]);
  assert.deepEqual(pieceLines(pieces.slice(0, 2), 30), [
    "-N",
    "    no shell",
    "-L 8080:localhost:80",
    "    listen on 8080 here; the",
    "    server connects to",
    "    localhost:80",
  ]);
  assert.deepEqual(pieceLines([], 80), []);
});
