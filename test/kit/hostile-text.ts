/**
 * Texts that try to break a parser, and the promises of every parser of text: it returns a value, or throws a Malformed
 * with one short line that is safe to show, and takes little time for both.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Malformed } from "../../src/codec/malformed.ts";

/** Random text: any code units, any characters, and parts of the grammar itself (`pieces`). */
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

/**
 * The value, or undefined when the text was refused in the way that every codec must refuse: with a Malformed that is
 * fit to be shown.
 */
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
 * Reads very long rows of a few repeated characters. A parser whose time grows with the square of the length would need
 * minutes here. Ten seconds are plenty when the time grows with the length, even on a busy machine.
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
