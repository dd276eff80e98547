/**
 * Text that a program writes while it runs, and waits for a pattern in that text. A wait that fails shows the whole
 * text, so a failing test says what really happened.
 */
import { Waiting } from "./waiting.ts";

export interface Look {
  /** Only text after this many characters counts (for events: after this many events). */
  readonly after?: number | undefined;
  readonly timeoutMs?: number | undefined;
}

export class Transcript {
  readonly name: string;
  readonly #view: (text: string) => string;
  #text = "";
  readonly #waiting = new Waiting();

  /** `view` makes the text that is searched and shown. */
  constructor(name: string, view: (text: string) => string = (text) => text) {
    this.name = name;
    this.#view = view;
  }

  get text(): string {
    return this.#text;
  }

  add(text: string): void {
    this.#text += text;
    this.#waiting.change();
  }

  /** No more text will come. `why` says what happened. */
  end(why: string): void {
    this.#waiting.end(() => why);
  }

  async until(pattern: RegExp, look: Look = {}): Promise<RegExpMatchArray> {
    // With the flags g or y, a pattern remembers its position, and match() gives no groups.
    const plain = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ""));
    const find = () => this.#view(this.#text.slice(look.after ?? 0)).match(plain) ?? undefined;
    try {
      return await this.#waiting.until(`${pattern} in ${this.name}`, find, look.timeoutMs);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`${reason}; ${this.name} was:\n${this.#view(this.#text)}`);
    }
  }
}
