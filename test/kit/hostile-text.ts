/**
 * Texts that want to break a parser, and what every parser of text promises about them: it answers, or throws a
 * Malformed of one short line that is safe to show, and takes its time for neither.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Malformed } from "../../src/codec/malformed.ts";

/** Random text: any code units at all, any characters, and what the grammar itself is made of (`pieces`). */
export function hostileText(...pieces: readonly string[]): fc.Arbitrary<string> {
  const units = fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)), maxLength: 30 });
  const made = fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string({ unit: "binary", maxLength: 3 })), {
    maxLength: 12,
  });
  return fc.oneof(
    units,
    fc.string({ unit: "grapheme" }),
    made.map((parts) => parts.join("")),
  );
}

/** What was read, or undefined when it was refused as every codec must refuse: a Malformed fit to be shown. */
export function readOrRefused<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    assert.ok(error instanceof Malformed, `threw ${String(error)}`);
    assert.doesNotMatch(error.message, /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
    assert.ok(error.message.length < 700, `a message of ${error.message.length} characters`);
    return undefined;
  }
}

/**
 * Very long rows of the same few characters, each read once. Whatever is quadratic or worse in the length of its input
 * needs minutes here; ten seconds are plenty for what is linear, also on a busy machine.
 */
export function assertFastOnLongText(read: (text: string) => unknown, ...pieces: readonly string[]): void {
  for (const piece of pieces) {
    for (const text of [piece.repeat(200_000), `a${piece.repeat(200_000)}!`]) {
      const start = performance.now();
      readOrRefused(() => read(text));
      const ms = performance.now() - start;
      assert.ok(ms < 10_000, `${JSON.stringify(piece)} repeated took ${Math.round(ms)} ms`);
    }
  }
}
