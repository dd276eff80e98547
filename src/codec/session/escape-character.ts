/**
 * The escape character of a terminal session (ssh(1), "ESCAPE CHARACTERS"): `~.` at
 * the beginning of a line disconnects, `~~` sends one `~`, `~?` asks for help. With
 * any other character, both the `~` and the character are sent.
 */

export type EscapeAction = "disconnect" | "help";

export interface Typed {
  /** What goes to the far side. */
  readonly bytes: Uint8Array;
  /** In the order typed. A disconnect is always the last action. */
  readonly actions: readonly EscapeAction[];
}

export class EscapeCharacter {
  readonly #escape: number;
  /** True at first: the beginning of the session is the beginning of a line. */
  #atLineStart = true;
  #pending = false;

  /** `code` is the character code that `escapeOf` returns. */
  constructor(code: number) {
    this.#escape = code;
  }

  take(chunk: Uint8Array): Typed {
    const actions: EscapeAction[] = [];
    // One byte more than the chunk: an escape character held back from the chunk before may come out now.
    const bytes = new Uint8Array(chunk.length + 1);
    let length = 0;
    const put = (byte: number) => {
      bytes[length++] = byte;
      this.#atLineStart = byte === carriageReturn || byte === lineFeed;
    };
    for (const byte of chunk) {
      if (!this.#pending) {
        if (byte === this.#escape && this.#atLineStart) this.#pending = true;
        else put(byte);
        continue;
      }
      this.#pending = false;
      if (byte === fullStop) {
        actions.push("disconnect");
        break;
      }
      if (byte === questionMark) {
        actions.push("help");
        continue;
      }
      if (byte !== this.#escape) put(this.#escape);
      put(byte);
    }
    return { bytes: bytes.subarray(0, length), actions };
  }
}

/**
 * The code of an EscapeChar or -e value: one character, or `^`
 * and a letter. Undefined for `none`, null for any other text.
 */
export function escapeOf(text: string): number | undefined | null {
  if (text === "none") return undefined;
  const [first, second] = [text.charCodeAt(0), text.charCodeAt(1)];
  if (text.length === 1 && first < 0x80) return first;
  // readconf.c, oEscapeChar: ^x is the control character of x.
  if (text.length === 2 && first === 0x5e && second >= 0x40 && second < 0x80) return second & 0x1f;
  return null;
}

const carriageReturn = 0x0d;
const lineFeed = 0x0a;
const fullStop = 0x2e;
const questionMark = 0x3f;
