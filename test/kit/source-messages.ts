/**
 * The words for people in a source file: its strings and templates with more than one word. A value in a template is
 * a hole, and counts as a word. A test can then say of each whether somebody has read it.
 */
import { withoutComments } from "./source-file.ts";

export interface SourceMessage {
  /** As in the source, with `...` for each hole. */
  readonly words: string;
  /** Whether the text contains these words, with anything in the holes. */
  isIn(text: string): boolean;
}

export function sourceMessages(source: string): SourceMessage[] {
  const found: string[][] = [];
  new Scanner(withoutComments(source), found).code();
  const messages = found.filter((pieces) => /[a-z],? \S|\S [a-z]/i.test(pieces.join("...")));
  return messages.map((pieces) => {
    const pattern = new RegExp(pieces.map((piece) => RegExp.escape(piece)).join(".*"), "s");
    return { words: pieces.join("..."), isIn: (text) => pattern.test(text) };
  });
}

class Scanner {
  readonly #text: string;
  readonly #found: string[][];
  #at = 0;

  constructor(text: string, found: string[][]) {
    this.#text = text;
    this.#found = found;
  }

  /** Up to the end, or to the brace that closes a hole. */
  code(): void {
    for (let depth = 0; this.#at < this.#text.length; ) {
      const char = this.#text[this.#at++];
      if (char === "}" && depth === 0) return;
      if (char === "{") depth++;
      else if (char === "}") depth--;
      else if (char === '"' || char === "'") this.#string(char);
      else if (char === "`") this.#template();
    }
  }

  #string(quote: string): void {
    let piece = "";
    for (let char = this.#next(); char !== quote && char !== undefined; char = this.#next()) piece += char;
    // "$1" in the words for a replacement is a hole too.
    this.#found.push(piece.split(/\$\d/));
  }

  #template(): void {
    const pieces = [""];
    for (let char = this.#next(); char !== "`" && char !== undefined; char = this.#next()) {
      if (char === "$" && this.#text[this.#at] === "{") {
        this.#at++;
        this.code();
        pieces.push("");
      } else {
        pieces[pieces.length - 1] += char;
      }
    }
    this.#found.push(pieces);
  }

  /** The next character; for an escaped one, what it stands for. */
  #next(): string | undefined {
    const char = this.#text[this.#at++];
    if (char !== "\\") return char;
    const escaped = this.#text[this.#at++];
    return escaped === "n" ? "\n" : escaped;
  }
}
