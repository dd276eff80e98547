import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { matchesPattern, matchPatterns } from "../../../src/codec/host-pattern.ts";

test("A pattern matches as match_pattern of OpenSSH does", () => {
  const table: [text: string, pattern: string, matches: boolean][] = [
    ["", "", true],
    ["", "*", true],
    ["", "?", false],
    ["a", "", false],
    ["vishnu", "vishnu", true],
    ["vishnu", "Vishnu", false],
    ["vishnu", "v*", true],
    ["vishnu", "*u", true],
    ["vishnu", "*sh*", true],
    ["vishnu", "vis?nu", true],
    ["vishnu", "vish?", false],
    ["vishnu", "vishnu?", false],
    ["vishnu", "******", true],
    ["aab", "*ab", true],
    ["abab", "*ab", true],
    ["abcabd", "*abd", true],
    ["a.b.c", "*.?.c", true],
    ["[::1]:22", "[*]:22", true],
    ["a^b", "a^b", true],
    ["a.b", "a.b", true],
    ["axb", "a.b", false],
  ];
  for (const [text, pattern, matches] of table) {
    assert.equal(matchesPattern(text, pattern), matches, `${JSON.stringify(text)} against ${JSON.stringify(pattern)}`);
  }
});

test("A pattern matches whatever its own text becomes when stars and question marks are filled in", () => {
  const piece = fc.oneof(fc.constantFrom("*", "?"), fc.string({ unit: fc.constantFrom("a", "b", "."), maxLength: 4 }));
  const filled = fc.array(fc.tuple(piece, fc.string({ unit: fc.constantFrom("a", "b", "."), maxLength: 3 })));
  fc.assert(
    fc.property(filled, (pieces) => {
      const pattern = pieces.map(([part]) => part).join("");
      const text = pieces
        .map(([part, fill]) => (part === "*" ? fill : part === "?" ? (fill[0] ?? "a") : part))
        .join("");
      assert.ok(matchesPattern(text, pattern), `${text} against ${pattern}`);
    }),
  );
});

test("A pattern agrees with a regular expression made of it", () => {
  const unit = fc.constantFrom("a", "b", "*", "?");
  fc.assert(
    fc.property(
      fc.string({ unit, maxLength: 8 }),
      fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 8 }),
      (pattern, text) => {
        const expected = new RegExp(`^${pattern.replaceAll("*", "[ab]*").replaceAll("?", "[ab]")}$`).test(text);
        assert.equal(matchesPattern(text, pattern), expected, `${text} against ${pattern}`);
      },
    ),
  );
});

test("A pattern full of stars cannot make the matching take for ever", () => {
  const started = performance.now();
  assert.equal(matchesPattern("a".repeat(1025), `${"*a".repeat(500)}*b`), false);
  // A recursive matcher would need more time than the universe has.
  assert.ok(performance.now() - started < 5000);
});

test("A list matches by any of its patterns, and an excluded one outweighs all others", () => {
  assert.equal(matchPatterns("a.example", ["b", "*.example"]), "matched");
  assert.equal(matchPatterns("a.example", ["*.example", "!a.example"]), "excluded");
  assert.equal(matchPatterns("a.example", ["!a.example", "*.example"]), "excluded");
  assert.equal(matchPatterns("b.example", ["*.example", "!a.example"]), "matched");
  assert.equal(matchPatterns("b.example", ["!a.example"]), "none");
  assert.equal(matchPatterns("b", []), "none");
});

test("A list with a pattern that is too long for OpenSSH matches nothing, as there", () => {
  assert.equal(matchPatterns("a", ["*".repeat(1022)]), "matched");
  assert.equal(matchPatterns("a", ["*".repeat(1023)]), "none");
});
