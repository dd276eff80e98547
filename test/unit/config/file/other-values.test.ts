import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseConfigLine } from "../../../../src/codec/config/config-line.ts";
import { Malformed } from "../../../../src/codec/malformed.ts";
import { findOther, otherNames } from "../../../../src/config/file/other-keywords.ts";
import { readOtherValue, type ValueShape } from "../../../../src/config/file/other-values.ts";
import { rounds } from "../../../kit/effort.ts";
import { hostileText, readOrRefused } from "../../../kit/hostile-text.ts";

function read(shape: ValueShape, text: string): string {
  const line = parseConfigLine(`Keyword ${text}`);
  if (line === undefined) throw new Error(`no line: ${text}`);
  return readOtherValue("Keyword", shape, line);
}

for (const [shape, good, bad] of [
  [
    ["yes", "no"],
    ["YES", "no # c"],
    ["maybe", '""', "yes no", "#"],
  ],
  ["anything", ["a b", '""', "#"], []],
  ["line", ["a  b", '""'], []],
  ["word", ["/x", "none"], ['""', "a b"]],
  ["words", ["a b", "none", "#"], ['a ""', "none a", "a NONE"]],
  ["yes-no", ["yes", "False"], ["on", '""', "yes no"]],
  ["integer", ["0", "2147483647"], ["-1", "2147483648", "1m", '""']],
  ["agent keys", ["yes", "ASK", "confirm 5m", "1h"], ["maybe", "yes 5m", "confirm soon", '""', "confirm 5m x"]],
  ["persistence", ["yes", "no", "10m"], ["YES", "auto", "10 m"]],
  ["domains", ["a.example b", "none", "_x", "a."], ["-a", "a..b", "none a", "*", '""']],
  ["names", ["none", "*", "*.a:*.b c:d"], ["a", "a:", "none *", '""']],
  ["timeouts", ["none", "session=5m *=1h"], ["session", "=5m", "session=soon", "none session=5m"]],
  ["facility", ["USER", "local7"], ["local8", "kern"]],
  ["devices", ["any", "0:any", "3", "1:2147483645"], ["-1", "0:1:2", "x", "0:", "2147483647"]],
  ["keystrokes", ["yes", "no", "interval:20"], ["YES", "interval:0", "interval:1001", "20", "yes no"]],
  ["key algorithms", ["ssh-ed25519", "+ssh-rsa", "-x*"], ["rot13", '""']],
  ["gssapi exchanges", ["gss-gex-sha1-,gss-group14-sha256-"], ["gss-x", '""']],
  ["service classes", ["none", "af21 CS1", "255"], ["256", "fast", "0x10", "a b", "cs1 cs1 cs1"]],
] as const satisfies readonly (readonly [ValueShape, readonly string[], readonly string[]])[]) {
  test(`A value of the shape ${String(shape)} is judged.`, () => {
    for (const value of good) read(shape, value);
    for (const value of bad) assert.throws(() => read(shape, value), Malformed, value);
  });
}

test("What is wrong with a value is said, and its words are given without quotes and comment.", () => {
  assert.throws(() => read("yes-no", "maybe"), new Malformed('Keyword: "maybe" is not yes or no'));
  assert.throws(() => read("yes-no", "yes no"), new Malformed('Keyword: "no" is one word too many'));
  assert.throws(() => read("word", '""'), new Malformed("Keyword: the value is empty"));
  assert.equal(read("timeouts", '"session=5m"  x=1 # c'), "session=5m x=1");
});

test("Any value of any keyword is taken or refused in one short line.", () => {
  const text = hostileText(" ", '"', "=", "#", "yes", "none", "22", ",", ":", "1m", "interval:", "cs", "default");
  fc.assert(
    fc.property(fc.constantFrom(...otherNames()), text, (name, value) => {
      readOrRefused(() => {
        const line = parseConfigLine(`${name} ${value}`);
        const other = findOther(line?.keyword ?? "");
        if (line !== undefined && other !== undefined) other.isMet(readOtherValue(name, other.shape, line));
      });
    }),
    { numRuns: rounds(5000) },
  );
});
