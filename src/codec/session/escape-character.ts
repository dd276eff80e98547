/**
 * The escape character of a terminal session (ssh(1), "ESCAPE CHARACTERS"): `~.` at the beginning of a line disconnects,
 * `~~` sends one `~`, `~?` asks for help; whatever else follows goes through as it was typed.
 */

export type EscapeAction = "disconnect" | "help";

export interface Typed {
  /** What goes to the far side. */
  readonly bytes: Uint8Array;
  /** In the order asked for. Nothing follows a disconnect. */
  readonly actions: readonly EscapeAction[];
}

export class EscapeCharacter {
  readonly #escape: number;
  /** The session begins as a line does. */
  #atLineStart = true;
  #pending = false;

  /** `code` is what `escapeOf` reads it. */
  constructor(code: number) {
    this.#escape = code;
  }

  take(chunk: Uint8Array): Typed {
    const actions: EscapeAction[] = [];
    // What was held back of an earlier chunk may come out with this one.
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

/** As EscapeChar and -e take it: one character, `^` and a letter, or `none`; undefined for none, null when it is nothing of these. */
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
