import assert from "node:assert/strict";
import { test } from "node:test";
import { plainJson } from "../../../src/cli/plain-json.ts";

test("No character that acts on a terminal is written as it is, and a reader of JSON gets each of them.", () => {
  const text = "\u001b[31m \u009b2J \u202e \u2028 \u200b \u{e0041} é 漢 🙂";
  const written = plainJson({ text });
  assert.match(written, /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+$/u);
  assert.deepEqual(JSON.parse(written), { text });
  assert.ok(written.includes("é 漢 🙂"));
});

test("A replacer is asked as JSON.stringify asks it.", () => {
  assert.equal(
    plainJson({ a: 1, b: 2 }, (key, value) => (key === "a" ? undefined : value)),
    '{"b":2}',
  );
});
