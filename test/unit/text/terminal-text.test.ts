import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { quoted, visible } from "../../../src/text/terminal-text.ts";
import { hostileText } from "../../kit/hostile-text.ts";

const shown: readonly (readonly [text: string, visible: string])[] = [
  ["", ""],
  ["GET / HTTP/1.1", "GET / HTTP/1.1"],
  ["two\nlines\r\n", "two\\nlines\\r\\n"],
  ["a\tb", "a\\tb"],
  ["\x1b[2J\x1b]0;owned\x07", "\\x1b[2J\\x1b]0;owned\\x07"],
  ["\0", "\\x00"],
  ["\x7f\x80\x9b1m\x9f", "\\x7f\\x80\\x9b1m\\x9f"],
  ["user\u202egnp.exe\u2066", "user\\u202egnp.exe\\u2066"],
  ["zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"],
  ["line\u2028paragraph\u2029", "line\\u2028paragraph\\u2029"],
  ["tag\u{e0041}", "tag\\u{e0041}"],
  ["half \ud83d of a pair \udc00", "half \\ud83d of a pair \\udc00"],
  ["Zürich 東京 🚢", "Zürich 東京 🚢"],
  ["C:\\temp", "C:\\temp"],
];

for (const [text, expected] of shown) {
  test(`${JSON.stringify(text)} is shown as ${JSON.stringify(expected)}`, () => {
    assert.equal(visible(text), expected);
  });
}

test("A limit cuts between characters and leaves a mark", () => {
  assert.equal(visible("abcdef", 6), "abcdef");
  assert.equal(visible("abcdef", 5), "abcd…");
  assert.equal(visible("abcdef", 1), "…");
});

test("A limit never leaves half an escape or half a pair of surrogates", () => {
  assert.equal(visible("ab\x1b[2J", 5), "ab…");
  assert.equal(visible("ab\x1b", 6), "ab\\x1b");
  assert.equal(visible("ab🚢cd", 4), "ab…");
  assert.equal(visible("ab🚢cd", 5), "ab🚢…");
});

test("Quoted text stands between double quotes and is never longer than a line", () => {
  assert.equal(quoted("a\nb"), '"a\\nb"');
  assert.equal(quoted("x".repeat(1_000_000)).length, 82);
});

test("No text gets a control or format character through, and visible text stays as it is", () => {
  fc.assert(
    fc.property(hostileText("\x1b[", "\u202e", "\ud800", "…"), (text) => {
      const safe = visible(text);
      assert.doesNotMatch(safe, /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      assert.equal(visible(safe), safe);
    }),
  );
});

test("No text is shown longer than its limit, and what is shown of it is its beginning", () => {
  fc.assert(
    fc.property(hostileText("\x1b", "🚢", "\ud800"), fc.integer({ min: 1, max: 20 }), (text, maxLength) => {
      const short = visible(text, maxLength);
      const whole = visible(text);
      assert.ok(short.length <= maxLength);
      if (whole.length <= maxLength) assert.equal(short, whole);
      else assert.ok(short.endsWith("…") && whole.startsWith(short.slice(0, -1)));
    }),
  );
});

test("Of an endless text only the beginning is looked at when there is a limit", () => {
  const text = "\x1b".repeat(20_000_000);
  const start = performance.now();
  for (let round = 0; round < 20; round++) visible(text, 80);
  assert.ok(performance.now() - start < 2000);
});
