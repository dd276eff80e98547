/**
 * JSON on one line. JSON allows characters that act on a terminal (C1 controls, marks that turn the order of letters
 * round, U+2028); here they are escapes, and readers of JSON see no difference (RFC 8259, section 7).
 */

export function plainJson(value: unknown, replacer?: (key: string, value: unknown) => unknown): string {
  return JSON.stringify(value, replacer).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escaped);
}

/** A character beyond the basic plane is a pair of escapes. */
function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}
