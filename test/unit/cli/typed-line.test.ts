import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TypedLine, type TypedState } from "../../../src/cli/typed-line.ts";
import { rounds } from "../../kit/effort.ts";

/** What is left of typed text, in one chunk. */
function typed(text: string): [state: TypedState, text: string] {
  const line = new TypedLine();
  const state = line.take(Buffer.from(text, "utf8"));
  return [state, line.text];
}

test("Enter ends a line, as CR or as LF, and what is typed behind it is dropped.", () => {
  assert.deepEqual(typed("secret\r"), ["complete", "secret"]);
  assert.deepEqual(typed("secret\n"), ["complete", "secret"]);
  assert.deepEqual(typed("secret\r\nmore"), ["complete", "secret"]);
  assert.deepEqual(typed("\r"), ["complete", ""]);
  assert.deepEqual(typed("secret"), ["open", "secret"]);
});

test("Ctrl-D ends a line, and Ctrl-C gives it up.", () => {
  assert.deepEqual(typed("\u0004"), ["complete", ""]);
  assert.deepEqual(typed("secret\u0003"), ["cancelled", "secret"]);
  assert.deepEqual(typed("secret\u001c"), ["cancelled", "secret"]);
});

test("Backspace erases a whole character, Ctrl-W a word, Ctrl-U the line.", () => {
  assert.deepEqual(typed("ab\u007fc\u0008d\r"), ["complete", "ad"]);
  assert.deepEqual(typed("a€🙂\u007f\u007fb\r"), ["complete", "ab"]);
  assert.deepEqual(typed("\u007f\u007fa\r"), ["complete", "a"]);
  assert.deepEqual(typed("correct horse \u0017battery\r"), ["complete", "correct battery"]);
  assert.deepEqual(typed("\u0017wrong\u0015right\r"), ["complete", "right"]);
});

test("Keys that hold, release or suspend a terminal are no part of a password.", () => {
  assert.deepEqual(typed("a\u0013b\u0011c\u001ad\r"), ["complete", "abcd"]);
});

test("A line without an end keeps as many bytes as ssh takes.", () => {
  const line = new TypedLine();
  for (let round = 0; round < 100; round++) assert.equal(line.take(Buffer.alloc(4096, 0x61)), "open");
  assert.equal(line.text.length, 1023);
});

test("A password without such keys comes as it was typed, however it was cut.", () => {
  const character = fc.string({ unit: "binary", minLength: 1, maxLength: 1 }).filter((each) => !/\p{Cc}/u.test(each));
  fc.assert(
    fc.property(fc.array(character, { maxLength: 60 }), fc.integer({ min: 1, max: 7 }), (characters, size) => {
      const text = characters.join("");
      const bytes = Buffer.from(`${text}\r`, "utf8");
      const line = new TypedLine();
      for (let at = 0; at < bytes.length; at += size) line.take(bytes.subarray(at, at + size));
      assert.equal(line.text, text);
    }),
    { numRuns: rounds(200) },
  );
});
