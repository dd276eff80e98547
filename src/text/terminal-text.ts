/**
 * Makes any text safe to show on a terminal: what would move the cursor, change colours, reorder or hide letters is
 * shown escaped (cli.md, "Streams": bytes from the network are never written raw). Text that was made visible stays as it is.
 */

/**
 * Control characters (C0, DEL, C1), format characters (bidi overrides, zero-width ones), line and paragraph separators,
 * and halves of surrogate pairs. A backslash is left alone, so that paths stay readable.
 */
const unsafe = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

const named: ReadonlyMap<string, string> = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

/** The text on one line, `\x1b` for an escape character. With `maxLength` (in UTF-16 units, not columns) cut, ending in `…`. */
export function visible(text: string, maxLength = Number.POSITIVE_INFINITY): string {
  if (text.length > maxLength) return cut(text.slice(0, maxLength + 1), maxLength);
  const shown = text.replace(unsafe, escapeOne);
  return shown.length > maxLength ? cut(text, maxLength) : shown;
}

/** The text between double quotes, for messages: visible, and never longer than a line. */
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
