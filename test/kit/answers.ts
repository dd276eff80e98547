/** Plays a person at a terminal: answers the questions one after the other, and keeps all text that was shown. */
import { PorthopError } from "../../src/errors.ts";
import type { Prompter } from "../../src/ssh/prompter.ts";

/** Given in place of an answer: the person presses Ctrl-C. */
export const ctrlC = Symbol("Ctrl-C");

export interface Shown {
  readonly how: "ask" | "secret" | "inform";
  readonly text: string;
}

export class Answers implements Prompter {
  readonly shown: Shown[] = [];
  readonly #answers: (string | typeof ctrlC)[];

  constructor(...answers: (string | typeof ctrlC)[]) {
    this.#answers = answers;
  }

  /** All text that was shown, one line for each time: `ask Are you sure? `. */
  get text(): string {
    return this.shown.map(({ how, text }) => `${how} ${text}`).join("\n");
  }

  ask = (question: string) => this.#answer("ask", question);
  secret = (question: string) => this.#answer("secret", question);

  inform = (text: string) => {
    this.shown.push({ how: "inform", text });
  };

  async #answer(how: Shown["how"], text: string): Promise<string> {
    this.shown.push({ how, text });
    const answer = this.#answers.shift();
    if (answer === undefined) throw new Error(`nobody expected the question ${JSON.stringify(text)}`);
    if (answer === ctrlC) throw new PorthopError("cancelled", "cancelled");
    return answer;
  }
}
