import assert from "node:assert/strict";
import { test } from "node:test";
import { Malformed } from "../../../../src/codec/malformed.ts";
import { checkReading, type Reading, unquote, words } from "../../../../src/config/file/keyword-value.ts";

for (const [reading, good, bad] of [
  ["yes-no", ["yes", "NO", "True", "false"], ["", "on", "1"]],
  ["number", ["0", "007", "123456789"], ["", "-1", "1234567890", "1.5"]],
  ["octal", ["0177", "7", "0000777"], ["8", "01000", ""]],
  ["seconds", ["1m30s", "0", "none"], ["soon", "-1", "None", "250ms", "2147483648", ""]],
  ["host", ["web", "fe80::1", "%h.example.com"], ["", "-x", "a b", "a;b"]],
  ["jumps", ["a,b@c:22", "none"], ["", "a,,b"]],
  ["forward", ["8080 localhost:80"], ["8080"]],
  ["plugin", ["limit:up=1MB/s", "./mine.ts"], ["limit:up"]],
  ["rate", ["500KB/s"], ["fast"]],
  [
    ["a", "b"],
    ["a", "B"],
    ["c", ""],
  ],
  ["text", ["", "anything"], []],
] as const satisfies readonly (readonly [Reading, readonly string[], readonly string[]])[]) {
  test(`A value of the kind ${reading} is checked.`, () => {
    const keyword = reading === "forward" ? "LocalForward" : "Some";
    for (const value of good) checkReading(keyword, reading, value);
    for (const value of bad) assert.throws(() => checkReading(keyword, reading, value), Malformed, value);
  });
}

test("What else a value may be is listed, and numbers by the first and the last.", () => {
  const refused = (choices: readonly string[], message: string) =>
    assert.throws(() => checkReading("Some", choices, "x"), { message });
  refused(["a", "b"], 'Some: "x" is not one of a, b');
  refused(["1", "2", "3"], 'Some: "x" is not a number from 1 to 3');
});

test("Words are cut at blanks but not at those in quotes, and only quotes around all of a word are taken off.", () => {
  assert.deepEqual(words("a 'b c' \"d e\" f'g"), ["a", "b c", "d e", "f'g"]);
  assert.deepEqual([unquote('"a"'), unquote("'a\""), unquote('"')], ["a", "'a\"", '"']);
});
