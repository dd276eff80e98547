import assert from "node:assert/strict";
import { test } from "node:test";
import { Malformed } from "../../../src/codec/malformed.ts";
import { scanArgv } from "../../../src/codec/words/argv.ts";
import { Given, named } from "../../../src/config/given.ts";

const { flags } = scanArgv(["-vv", "-L1", "--use", "log", "-L", "2", "--use=limit", "--json"], {
  short: { v: "nothing", L: "value" },
  long: { use: "value", json: "nothing" },
});
const given = new Given(flags);

test("Flags are asked for by name: how often, which values, which was the last.", () => {
  assert.deepEqual([given.count("v"), given.count("json"), given.count("q")], [2, 1, 0]);
  assert.deepEqual([given.has("v"), given.has("q")], [true, false]);
  assert.deepEqual([given.values("L"), given.values("use"), given.values("json")], [["1", "2"], ["log", "limit"], []]);
  assert.deepEqual([given.last("use"), given.last("q")], ["limit", undefined]);
});

test("They keep their order.", () => {
  assert.deepEqual(
    given.inOrder().map(({ flag }) => flag),
    ["v", "v", "L", "use", "L", "use", "json"],
  );
});

test("What is malformed gets the flag's name in front, and what is no such error passes as it is.", () => {
  const malformed = () => {
    throw new Malformed("it is wrong");
  };
  assert.throws(() => named("--x \u001b", malformed), new Malformed("--x \\x1b: it is wrong"));
  const other = new Error("other");
  assert.throws(
    () =>
      named("--x", () => {
        throw other;
      }),
    other,
  );
  assert.equal(
    named("--x", () => 7),
    7,
  );
});
