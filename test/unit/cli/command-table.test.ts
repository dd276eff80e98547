import assert from "node:assert/strict";
import { test } from "node:test";
import { type CommandEntry, commandTable } from "../../../src/cli/command-table.ts";
import { checkFlags, porthopFlags, sshFlags } from "../../../src/config/run-flags.ts";

function dashed({ letters = [], flags = [] }: Pick<CommandEntry, "letters" | "flags">): string[] {
  return [...letters.map(({ name }) => `-${name}`), ...flags.map(({ name }) => `--${name}`)];
}

const flagsOfRun = dashed({ letters: sshFlags, flags: porthopFlags });

test("No two commands have the same name, and each is one word.", () => {
  const names = commandTable.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const name of names) assert.match(name, /^[a-z]+$/);
});

for (const entry of commandTable) {
  const { name, about, examples, usage } = entry;

  test(`What porthop ${name} is for is said in one line of a terminal, and not as a sentence.`, () => {
    assert.match(about, /^[a-z][^\n]{0,78}[^.\n]$/);
  });

  test(`The examples of porthop ${name} are commands that it takes: no flag in them is unknown.`, () => {
    assert.ok(examples.length > 0);
    const known = new Set([...dashed(entry), ...(usage?.includes("flags of run") ? flagsOfRun : [])]);
    for (const example of examples) {
      const [program, command, ...words] = example.replaceAll(/"[^"]*"|'[^']*'/g, "quoted").split(" ");
      assert.deepEqual([program, command], ["porthop", name]);
      assert.deepEqual(
        words.filter((word) => word.startsWith("-") && !known.has(word)),
        [],
        example,
      );
    }
  });

  test(`No flag of porthop ${name} is listed twice.`, () => {
    const all = dashed(entry);
    assert.deepEqual(
      all.filter((flag, index) => all.indexOf(flag) !== index),
      [],
    );
  });
}

test("A command that takes the flags of run and lists only its own says where those are told.", () => {
  for (const { name, usage = "", flags } of commandTable) {
    if (!usage.includes("flags of run") || flags === porthopFlags || flags === checkFlags) continue;
    assert.match(usage, /porthop run --help$/, name);
  }
});
