import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { serverText } from "../../../src/ssh/server-text.ts";

test("Lines stay lines, and what would act on the terminal is shown instead", () => {
  assert.equal(serverText("one\r\ntwo\rthree\n\n"), "one\ntwo\nthree");
  assert.equal(serverText("a\tb\u001b[2J\u0007\u202e"), "a b\\x1b[2J\\x07\\u202e");
  assert.equal(serverText(" \n"), "");
});

test("Text that never ends is cut", () => {
  assert.ok(serverText("x".repeat(1_000_000)).length < 5000);
});

test("Whatever comes, no control character but the line end is left", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      assert.doesNotMatch(serverText(text).replaceAll("\n", ""), /[\p{Cc}\p{Cf}\p{Cs}]/u);
    }),
  );
});
