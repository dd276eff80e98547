import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Malformed } from "../../../../src/codec/malformed.ts";
import { readOption, readOptions } from "../../../../src/forward/plan/plugin-options.ts";
import type { OptionSpec, OptionSpecs } from "../../../../src/plugin.ts";
import { hostileText, readOrRefused } from "../../../kit/hostile-text.ts";

const specs = {
  rate: { type: "rate", about: "bytes a second, both ways", default: "1MB/s" },
  burst: { type: "size", about: "how much may come at once" },
  wait: { type: "duration", about: "how long to wait", default: "250ms" },
  count: { type: "number", about: "how often" },
  strict: { type: "flag", about: "whether to insist", default: "no" },
  note: { type: "text", about: "what to say" },
  way: { type: "text", about: "which way", choices: ["up", "down"], default: "up" },
} as const satisfies OptionSpecs;

function given(options: Record<string, string>): Map<string, string> {
  return new Map(Object.entries(options));
}

test("What is not given has its default, or is undefined", () => {
  assert.deepEqual(readOptions(specs, new Map()), {
    rate: 1_000_000,
    burst: undefined,
    wait: 250,
    count: undefined,
    strict: false,
    note: undefined,
    way: "up",
  });
});

test("What is given is converted by the type of its option", () => {
  const options = readOptions(
    specs,
    given({ rate: "8Mbit/s", burst: "64KiB", wait: "1m30s", count: "-7", strict: "yes", note: "a,b", way: "down" }),
  );
  // The types of these come from the specs, so this also has to compile.
  const rate: number = options.rate;
  const burst: number | undefined = options.burst;
  const strict: boolean = options.strict;
  assert.deepEqual([rate, burst, strict], [1_000_000, 65_536, true]);
  assert.deepEqual([options.wait, options.count, options.note, options.way], [90_000, -7, "a,b", "down"]);
});

const refused: readonly (readonly [options: Record<string, string>, message: string])[] = [
  [{ rate: "fast" }, 'option "rate": "fast" is not a rate such as 500KB/s, 4MB/s or 8Mbit/s'],
  [
    { rate: "0" },
    'option "rate": "0" is less than 1 byte per second; expected a rate such as 500KB/s, 4MB/s or 8Mbit/s',
  ],
  [{ burst: "-1" }, 'option "burst": "-1" is not a size such as 64KB or 1MiB'],
  [{ wait: "soon" }, 'option "wait": "soon" is not a duration such as 250ms, 30s or 1m30s'],
  [{ count: "1.5" }, 'option "count": "1.5" is not a whole number such as 10'],
  [{ count: "" }, 'option "count": "" is not a whole number such as 10'],
  [{ count: "9007199254740993" }, 'option "count": "9007199254740993" is not a whole number such as 10'],
  [{ strict: "true" }, 'option "strict": "true" is neither yes nor no'],
  [{ way: "left" }, 'option "way": "left" is not one of up, down'],
  [{ way: "\x1b" }, 'option "way": "\\x1b" is not one of up, down'],
  [
    { rat: "1MB/s" },
    'option "rat" is unknown (did you mean rate?); there are rate, burst, wait, count, strict, note, way',
  ],
  [{ zzz: "1" }, 'option "zzz" is unknown; there are rate, burst, wait, count, strict, note, way'],
  [{ constructor: "1" }, 'option "constructor" is unknown; there are rate, burst, wait, count, strict, note, way'],
];

for (const [options, message] of refused) {
  test(`${JSON.stringify(options)} is refused: ${message}`, () => {
    assert.throws(() => readOptions(specs, given(options)), new Malformed(message));
  });
}

test("A required option that is not given is named with what it is about", () => {
  const needed = { to: { type: "text", about: "where to go", required: true } } as const satisfies OptionSpecs;
  assert.throws(() => readOptions(needed, new Map()), new Malformed('option "to" is required: where to go'));
  const { to }: { readonly to: string } = readOptions(needed, given({ to: "x" }));
  assert.equal(to, "x");
});

test("A plugin without options takes none", () => {
  assert.deepEqual(readOptions({}, new Map()), {});
  assert.throws(() => readOptions({}, given({ a: "1" })), new Malformed('option "a" is unknown; it takes none'));
});

test("A default is checked like what a user gives", () => {
  assert.throws(() => readOptions({ a: { type: "size", about: "", default: "big" } }, new Map()), Malformed);
});

test("A minus before zero is lost", () => {
  assert.ok(Object.is(readOptions({ n: { type: "number", about: "" } }, given({ n: "-0" })).n, 0));
});

test("A choice of numbers is a number", () => {
  const spec: OptionSpec = { type: "number", about: "", choices: ["1", "2"] };
  assert.equal(readOption("n", spec, "2"), 2);
  assert.throws(() => readOption("n", spec, "02"), new Malformed('option "n": "02" is not one of 1, 2'));
});

test("Random texts for every option are converted or refused", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.keys(specs), "other", "__proto__"),
      hostileText("1", "MB/s", "ms", "yes", "up"),
      (name, text) => {
        const values = readOrRefused(() => readOptions(specs, new Map([[name, text]])));
        if (values !== undefined) assert.deepEqual(Object.keys(values), Object.keys(specs));
      },
    ),
  );
});
