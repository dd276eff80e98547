import assert from "node:assert/strict";
import { test } from "node:test";
import { messageOf } from "../../../src/text/error-message.ts";

for (const [thrown, message] of [
  [new TypeError("x is not a function"), "x is not a function"],
  [new Error(""), ""],
  ["just text", "just text"],
  [undefined, "undefined"],
  [{ message: "no error" }, "[object Object]"],
] as const) {
  test(`What ${String(thrown)} says is "${message}".`, () => {
    assert.equal(messageOf(thrown), message);
  });
}
