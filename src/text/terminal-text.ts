/**
 * Makes any text safe to show on a terminal: characters that would move the cursor, change colours,
 * reorder or hide letters are shown escaped. Bytes from the network are never written raw. A text that
 * is safe already stays unchanged.
 */

/**
 * Control characters (C0, DEL, C1), format characters (bidi overrides, zero-width ones), line and paragraph separators,
 * and halves of surrogate pairs. A backslash is not escaped, so that paths stay readable.
 */
const unsafe = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

const named: ReadonlyMap<string, string> = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

/**
 * The text on one line, with `\x1b` for an escape character. `maxLength` is in
 * UTF-16 units, not columns: a longer text is cut and ends in `…`.
 */
export function visible(text: string, maxLength = Number.POSITIVE_INFINITY): string {
  if (text.length > maxLength) return cut(text.slice(0, maxLength + 1), maxLength);
  const shown = text.replace(unsafe, escapeOne);
  return shown.length > maxLength ? cut(text, maxLength) : shown;
}

/** The text with each of its lines made safe by `visible`: lines stay lines. */
export function visibleLines(text: string): string {
  return text
    .split("\n")
    .map((line) => visible(line))
    .join("\n");
}

/** The text between double quotes, for messages: made safe by `visible`, and cut to 80 UTF-16 units. */
export function quoted(text: string): string {
  return `"${visible(text, 80)}"`;
}

/** Cuts between whole characters and whole escapes, never inside one. */
function cut(text: string, maxLength: number): string {
  let shown = "";
  for (const character of text) {
    const next = shown + character.replace(unsafe, escapeOne);
    if (next.length >= maxLength) break;
    shown = next;
  }
  return `${shown}…`;
}

function escapeOne(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code > 0xffff) return `\\u{${hex}}`;
  return named.get(character) ?? (code > 0xff ? `\\u${hex.padStart(4, "0")}` : `\\x${hex.padStart(2, "0")}`);
}
