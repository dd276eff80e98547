import assert from "node:assert/strict";
import { test } from "node:test";
import { takeOwnFlags } from "../../../src/cli/own-flags.ts";

const own = [
  { name: "format", value: "FORMAT", about: "" },
  { name: "json", about: "" },
];

for (const [words, found, rest] of [
  [["-L", "1:a:1", "h"], {}, ["-L", "1:a:1", "h"]],
  [["--format", "config", "-L1:a:1", "h"], { format: "config" }, ["-L", "1:a:1", "h"]],
  [["-L", "1:a:1", "h", "--format=config", "-p", "2"], { format: "config" }, ["-L", "1:a:1", "h", "-p", "2"]],
  [["-L", "1:a:1", "h", "cmd", "--format", "x"], {}, ["-L", "1:a:1", "h", "--", "cmd", "--format", "x"]],
  [["--json", "ssh", "-L", "1:a:1", "h", "-p", "2"], { json: "" }, ["ssh", "-L", "1:a:1", "h", "-p", "2"]],
  [
    ["--format", "plink", "porthop", "run", "-L", "1:a:1", "h"],
    { format: "plink" },
    ["porthop", "run", "-L", "1:a:1", "h"],
  ],
  [["--format", "ssh", "ssh", "h", "ssh"], { format: "ssh" }, ["ssh", "h", "ssh"]],
  [["--format", "plink", "h"], { format: "plink" }, ["h"]],
  [["-N", "--", "-oProxyCommand=id", "h"], {}, ["-N", "--", "-oProxyCommand=id", "h"]],
  [["-L", "1:a:1", "--", "h", "-x"], {}, ["-L", "1:a:1", "h", "--", "-x"]],
  [["ssh -L 1:a:1 h", "--format", "config"], { format: "config" }, ["ssh -L 1:a:1 h"]],
  [["--capture", "-", "-vv", "h"], {}, ["--capture", "-", "-v", "-v", "h"]],
  [["-i", "ssh", "-L", "1:a:1", "h"], {}, ["-i", "ssh", "-L", "1:a:1", "h"]],
  [[], {}, []],
] as const) {
  test(`${JSON.stringify(words)} leaves ${JSON.stringify(rest)}.`, () => {
    const taken = takeOwnFlags(words, own);
    assert.deepEqual(Object.fromEntries(taken.own), found);
    assert.deepEqual(taken.words, rest);
    assert.ok(!taken.help);
  });
}

test("Help is asked for by -h and --help, but not by a command's own.", () => {
  assert.ok(takeOwnFlags(["--help"], own).help);
  assert.ok(takeOwnFlags(["-L", "1:a:1", "-h", "h"], own).help);
  assert.ok(!takeOwnFlags(["-L", "1:a:1", "h", "cmd", "-h"], own).help);
  assert.ok(!takeOwnFlags(["ssh", "h", "ls", "--help"], own).help);
});

test("An unknown flag is wrong usage.", () => {
  assert.throws(() => takeOwnFlags(["--fromat", "x"], own), /unknown flag --fromat \(did you mean --format\?\)/);
});
