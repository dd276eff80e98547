import assert from "node:assert/strict";
import { test } from "node:test";
import { Malformed } from "../../../src/codec/malformed.ts";
import { named } from "../../../src/config/flag-in-message.ts";

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
