import assert from "node:assert/strict";
import { test } from "node:test";
import { type CAC, cac } from "cac";
import fc from "fast-check";
import { isFlagOf, literalWords, readBack } from "../../../src/cli/literal-words.ts";
import { Malformed } from "../../../src/codec/malformed.ts";
import { type FlagTable, type ScannedFlag, scanArgv } from "../../../src/codec/words/argv.ts";

/** What cac has read when the words passed through it literally. */
function read(words: readonly string[]): Pick<CAC, "args" | "options"> {
  const program = cac("porthop");
  program.option("-h, --help", "");
  const command = program.command("play [...words]", "").option("--keep", "").option("--capture <FILE>", "");
  command.action(() => {});
  program.parse(["", "porthop", "play", ...literalWords(words, command)], { run: false });
  readBack(program);
  program.runMatchedCommand();
  return { args: program.args, options: program.options };
}

for (const [words, args, options] of [
  [[], [], {}],
  [["--capture", "007"], [], { capture: "007" }],
  [["--capture=007"], [], { capture: "007" }],
  [["--capture="], [], { capture: "" }],
  [["--capture", ""], [], { capture: "" }],
  [["--capture=a=b"], [], { capture: "a=b" }],
  [["--capture", "-"], [], { capture: "-" }],
  [["--capture=-x"], [], { capture: "-x" }],
  [["--capture", "1e3", "--capture", "0x1F"], [], { capture: "0x1F" }],
  [["--keep", "--keep"], [], { keep: true }],
  [["--keep", "false", "12"], ["false", "12"], { keep: true }],
  [["a", "", "-", "=", "Infinity"], ["a", "", "-", "=", "Infinity"], {}],
  [["a", "--", "--keep", "--", "007"], ["a", "--keep", "--", "007"], {}],
  [["-h", "007"], ["007"], { h: true, help: true }],
  [["__proto__", "constructor"], ["__proto__", "constructor"], {}],
] as const) {
  test(`${JSON.stringify(words)} are read as ${JSON.stringify({ args, ...options })}.`, () => {
    assert.deepEqual(read(words), { args, options });
  });
}

for (const [word, message] of [
  ["--kep", "unknown flag --kep (did you mean --keep?)"],
  ["--no-keep", "unknown flag --no-keep"],
  ["--keep.x", "unknown flag --keep.x (did you mean --keep?)"],
  ["---keep", "unknown flag ---keep (did you mean --keep?)"],
  ["--h", "unknown flag --h"],
  ["--_", "unknown flag --_"],
  ["--", undefined],
  ["-hx", 'unknown flag -x in "-hx"'],
  ["-hh", undefined],
  ["-h=1", '-h takes no value, but "1" was given'],
  ["-=", "unknown flag -"],
  ["--=x", "unknown flag --"],
  ["--keep=", '--keep takes no value, but "" was given'],
  ["--__proto__", "unknown flag --__proto__"],
  ["--constructor", "unknown flag --constructor"],
  ["-\u{1f600}", "unknown flag -\u{1f600}"],
] as const) {
  test(`${word} is ${message ?? "taken"}.`, () => {
    if (message === undefined) assert.ok(read([word]));
    else assert.throws(() => read([word]), { name: "Malformed", message });
  });
}

test("Whatever the words are, cac reads them as argv.ts does, but for a value that looks like a flag.", () => {
  const table = { short: { h: "nothing" }, long: { help: "nothing", keep: "nothing", capture: "value" } } as const;
  const flag = fc.constantFrom(
    "--keep",
    "--capture",
    "-h",
    "--help",
    "--",
    "-",
    "--capture=",
    "--capture=-1",
    "--no-keep",
  );
  const value = fc.constantFrom("007", "", "true", "false", "1e3", "=", "a=b", "NaN", "--keep.x=1", "--_=1", "-1");
  const word = fc.oneof(flag, value, fc.string({ maxLength: 6 }));
  const looksLikeFlag = (words: readonly string[]) =>
    words.some((each, index) => each === "--capture" && /^-./.test(words[index + 1] ?? ""));
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), (words) => {
      fc.pre(!looksLikeFlag(words));
      assert.deepEqual(
        outcome(() => normal(read(words))),
        outcome(() => scanned(words)),
      );
    }),
    { numRuns: 3000 },
  );

  function scanned(words: readonly string[]) {
    const { flags, positionals } = scanPositionals(words, table);
    const has = (...names: string[]) => flags.some(({ flag: name }) => names.includes(name));
    const capture = flags.findLast(({ flag: name }) => name === "capture")?.value;
    return { args: positionals, help: has("h", "help"), keep: has("keep"), capture };
  }
});

/** Flags and words in any order, told by the reader of ssh's words; after a `--` that is no value there are only words. */
function scanPositionals(words: readonly string[], table: FlagTable) {
  const flags: ScannedFlag[] = [];
  const positionals: string[] = [];
  const end = words.findIndex((word, index) => word === "--" && isWhole(words.slice(0, index), table));
  let rest = end === -1 ? words : words.slice(0, end);
  while (rest.length > 0) {
    const scanned = scanArgv(rest, table);
    flags.push(...scanned.flags);
    if (scanned.destination !== undefined) positionals.push(scanned.destination);
    rest = scanned.command;
  }
  return { flags, positionals: end === -1 ? positionals : [...positionals, ...words.slice(end + 1)] };
}

/** Whether the last flag has its value. */
function isWhole(words: readonly string[], table: FlagTable): boolean {
  return outcome(() => scanArgv(words, table)) !== "refused";
}

function normal({ args, options }: Pick<CAC, "args" | "options">) {
  const { help = false, keep = false, capture } = options;
  return { args, help, keep, capture };
}

/** What was read, or that it could not be. */
function outcome<T>(read: () => T): T | "refused" {
  try {
    return read();
  } catch (error) {
    assert.ok(error instanceof Malformed || (error as Error).name === "CACError", String(error));
    return "refused";
  }
}

test("A word is a flag when each of its letters, or its whole name, is registered.", () => {
  const program = cac("porthop");
  program.option("-h, --help", "").option("-V, --version", "").option("--licenses", "");
  const isFlag = (word: string) => isFlagOf(program.globalCommand, word);
  for (const word of ["-h", "--help", "-V", "--version", "--licenses", "-hV"]) assert.ok(isFlag(word), word);
  for (const word of ["", "-", "h", "--h", "--help=1", "-L", "-hL", "--no-help", "--help.x", "---help", "--"]) {
    assert.ok(!isFlag(word), word);
  }
});
