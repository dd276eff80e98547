/**
 * One line that a person types at a terminal, byte by byte. In raw mode the terminal's own editing is off, so the keys
 * of a terminal (termios(3)) are understood here: erase, word erase, kill, Ctrl-D, Ctrl-C.
 */

/** What the line is after a chunk: still open, complete, or given up by Ctrl-C. */
export type TypedState = "open" | "complete" | "cancelled";

export class TypedLine {
  #bytes: number[] = [];

  get text(): string {
    return Buffer.from(this.#bytes).toString("utf8");
  }

  /** Takes typed bytes. Bytes behind the end of the line are dropped. */
  take(chunk: Uint8Array): TypedState {
    for (const byte of chunk) {
      if (byte === key.carriageReturn || byte === key.lineFeed || byte === key.end) return "complete";
      if (byte === key.interrupt || byte === key.quit) return "cancelled";
      this.#takeByte(byte);
    }
    return "open";
  }

  #takeByte(byte: number): void {
    if (byte === key.erase || byte === key.backspace) this.#eraseCharacter();
    else if (byte === key.kill) this.#bytes = [];
    else if (byte === key.eraseWord) this.#eraseWord();
    else if (!ignored.has(byte) && this.#bytes.length < mostBytes) this.#bytes.push(byte);
  }

  /** A character of UTF-8 is one leading byte and the bytes 10xxxxxx behind it (RFC 3629, section 3). */
  #eraseCharacter(): void {
    let last = this.#bytes.pop();
    while (last !== undefined && (last & 0xc0) === 0x80) last = this.#bytes.pop();
  }

  #eraseWord(): void {
    while (this.#bytes.at(-1) === blank) this.#bytes.pop();
    while (this.#bytes.length > 0 && this.#bytes.at(-1) !== blank) this.#bytes.pop();
  }
}

/** As much of a line as ssh takes (readpass.c, the size of its buffer). */
const mostBytes = 1023;

const key = {
  interrupt: 0x03,
  end: 0x04,
  backspace: 0x08,
  lineFeed: 0x0a,
  carriageReturn: 0x0d,
  kill: 0x15,
  eraseWord: 0x17,
  quit: 0x1c,
  erase: 0x7f,
} as const;

/** Keys that a terminal never hands to a program: Ctrl-S and Ctrl-Q hold and go on, Ctrl-Z suspends. */
const ignored: ReadonlySet<number> = new Set([0x11, 0x13, 0x1a]);

const blank = 0x20;
