import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Malformed } from "../../../../src/codec/malformed.ts";
import { type PluginSpec, parsePluginSpec, printPluginSpec } from "../../../../src/codec/words/plugin-spec.ts";
import { rounds } from "../../../kit/effort.ts";
import { assertFastOnLongText, hostileText, readOrRefused } from "../../../kit/hostile-text.ts";

function builtIn(name: string, options: Record<string, string> = {}): PluginSpec {
  return { name, isFile: false, options: new Map(Object.entries(options)) };
}

function file(name: string, options: Record<string, string> = {}): PluginSpec {
  return { ...builtIn(name, options), isFile: true };
}

/** Text, its value, and the text it is printed as where that differs. */
const understood: readonly (readonly [text: string, spec: PluginSpec, printed?: string])[] = [
  ["log", builtIn("log")],
  ["limit:up=1MB/s", builtIn("limit", { up: "1MB/s" })],
  ["limit:up=1MB/s,down=8Mbit/s", builtIn("limit", { up: "1MB/s", down: "8Mbit/s" })],
  ["limit:up=1MB/s, down=8Mbit/s", builtIn("limit", { up: "1MB/s", down: "8Mbit/s" }), "limit:up=1MB/s,down=8Mbit/s"],
  ["redirect:to=localhost:80", builtIn("redirect", { to: "localhost:80" })],
  ["x:a=b=c", builtIn("x", { a: "b=c" })],
  ["x:a=", builtIn("x", { a: "" })],
  ['x:a=""', builtIn("x", { a: "" }), "x:a="],
  ['x:a="1,2:3",b=4', builtIn("x", { a: "1,2:3", b: "4" })],
  ["x:a=1\\,2\\:3\\=4", builtIn("x", { a: "1,2:3=4" }), 'x:a="1,2:3=4"'],
  ['x:a="say \\"hi\\" \\\\ \\n"', builtIn("x", { a: 'say "hi" \\ \\n' }), 'x:a="say \\"hi\\" \\\\ \\\\n"'],
  ["x:a=C:\\temp", builtIn("x", { a: "C:\\temp" }), 'x:a="C:\\\\temp"'],
  ['x:a=" b "', builtIn("x", { a: " b " })],
  ['x:a= "b" ,c=d', builtIn("x", { a: "b", c: "d" }), "x:a=b,c=d"],
  ["x:a=b\\", builtIn("x", { a: "b\\" }), 'x:a="b\\\\"'],
  ['x:a=it"s', builtIn("x", { a: 'it"s' }), 'x:a="it\\"s"'],
  ["rate-limit_2:a=1", builtIn("rate-limit_2", { a: "1" })],
  ["./mine", file("./mine")],
  ["./mine.ts:a=1", file("./mine.ts", { a: "1" })],
  ["../mine.mjs", file("../mine.mjs")],
  ["/opt/mine:a=1", file("/opt/mine", { a: "1" })],
  ["mine.js", file("mine.js")],
  ["dir/mine.ts", file("dir/mine.ts")],
  ["./a b.ts", file("./a b.ts")],
  ["./a\\:b.ts:c=d", file("./a:b.ts", { c: "d" }), '"./a:b.ts":c=d'],
  ['"./a:b.ts":c=d', file("./a:b.ts", { c: "d" })],
  ["C:\\plugins\\mine.ts:a=1", file("C:\\plugins\\mine.ts", { a: "1" }), '"C:\\\\plugins\\\\mine.ts":a=1'],
  ["c:/plugins/mine", file("c:/plugins/mine"), '"c:/plugins/mine"'],
];

for (const [text, spec, printed] of understood) {
  test(`--use ${text} is understood, printed and understood again`, () => {
    assert.deepEqual(parsePluginSpec(text), spec);
    assert.equal(printPluginSpec(spec), printed ?? text);
    assert.deepEqual(parsePluginSpec(printPluginSpec(spec)), spec);
  });
}

const refused: readonly (readonly [text: string, reason: string])[] = [
  ["", "the name is missing, for example limit:rate=1MB/s"],
  [":a=1", "the name is missing, for example limit:rate=1MB/s"],
  ["my plugin", '"my plugin" is neither a plugin\'s name nor a file (which begins with ./ or /)'],
  ["dir/mine", '"dir/mine" is neither a plugin\'s name nor a file (which begins with ./ or /)'],
  ["limit:", "an option is missing; they read key=value,key=value"],
  ["limit:a=1,", "an option is missing; they read key=value,key=value"],
  ["limit:=1", "an option is missing; they read key=value,key=value"],
  ["limit:fast", 'option "fast" has no value: write fast=VALUE'],
  ["limit:fast,a=1", 'option "fast" has no value: write fast=VALUE'],
  ["limit:a=1,a=2", 'option "a" is given twice'],
  ["limit:a b=1", '"a b" is no option\'s name'],
  ["limit:__proto__=1", '"__proto__" is no option\'s name'],
  ['limit:a="1', '""1" lacks its closing quote'],
  ['limit:a="1"2', '"2" follows a closing quote'],
  ["limit:a=1\n", "it contains a control character"],
  ["./a\0.ts", "it contains a control character"],
];

for (const [text, reason] of refused) {
  test(`--use ${JSON.stringify(text)} is refused: ${reason}`, () => {
    assert.throws(
      () => parsePluginSpec(text),
      (error) => error instanceof Malformed && error.message.endsWith(`: ${reason}`),
    );
  });
}

test("The message names the whole text, made visible", () => {
  assert.throws(() => parsePluginSpec("a\x1b:b"), new Malformed("plugin a\\x1b:b: it contains a control character"));
});

test("Options keep the order in which they were given", () => {
  assert.deepEqual([...parsePluginSpec("x:z=1,a=2,m=3").options.keys()], ["z", "a", "m"]);
});

const text = fc
  .string({
    unit: fc.oneof(fc.constantFrom(...'\\",:= .ab'), fc.string({ unit: "binary", minLength: 1, maxLength: 1 })),
  })
  .filter((value) => !/[\p{Cc}\p{Cs}]/u.test(value));
const specs = fc
  .tuple(
    fc.oneof(
      fc.constantFrom("log", "rate-limit"),
      text.map((tail) => `./${tail}`),
      text.map((stem) => `${stem}.ts`),
      text.map((tail) => `C:\\${tail}`),
    ),
    fc.dictionary(fc.constantFrom("a", "b", "rate", "constructor"), text),
  )
  .map(
    ([name, options]): PluginSpec => ({
      name,
      isFile: /[./]/.test(name) || name.startsWith("C:"),
      options: new Map(Object.entries(options)),
    }),
  );

test("Every plugin that is printed is parsed back to itself", () => {
  fc.assert(
    fc.property(specs, (spec) => {
      assert.deepEqual(parsePluginSpec(printPluginSpec(spec)), spec);
    }),
    { numRuns: rounds(3000) },
  );
});

test("Random text is refused, or is a plugin that survives being printed", () => {
  fc.assert(
    fc.property(hostileText("limit", "./x.ts", ":", ",", "=", '"', "\\", " ", "a"), (text) => {
      const spec = readOrRefused(() => parsePluginSpec(text));
      if (spec !== undefined) assert.deepEqual(parsePluginSpec(printPluginSpec(spec)), spec);
    }),
    { numRuns: rounds(3000) },
  );
});

test("Endless text is read or refused at once", () => {
  assertFastOnLongText((tail) => parsePluginSpec(`x:${tail}`), ",", "=", '"', "\\", '\\"', "a", " ");
  assertFastOnLongText(parsePluginSpec, ":", '"', "\\", "a", " ", "./");
  assertFastOnLongText((tail) => parsePluginSpec(`x:a="${tail}`), "\\", '\\"', '"', " ");
  assertFastOnLongText((tail) => parsePluginSpec(`x:a=${tail}`), " ", "  b", "\\,");
});
