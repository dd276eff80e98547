import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { wrapped } from "../../../src/text/wrapped-text.ts";

test("Lines break at blanks, and begin with the indent; the first one with its own.", () => {
  assert.deepEqual(wrapped("one two three four", 10, "    ", "  "), ["  one two", "    three", "    four"]);
  assert.deepEqual(wrapped("", 10, "  "), [""]);
});

test("No line is longer than the columns, and no control character gets through, whatever the text.", () => {
  const property = fc.property(
    fc.string({ unit: "grapheme", maxLength: 200 }),
    fc.integer({ min: 10, max: 90 }),
    (text, columns) => {
      for (const line of wrapped(text, columns, "    ", "  ")) {
        assert.ok(line.length <= columns, line);
        assert.doesNotMatch(line, /\p{Cc}/u);
      }
    },
  );
  fc.assert(property);
});
