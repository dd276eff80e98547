/**
 * Keyboard-interactive login (RFC 4256): the server asks questions, in one round or several, and the person answers.
 * Each question is shown with the account's name, so a server cannot make a question look like another program's.
 */
import type { AnyAuthMethod, Prompt } from "ssh2";
import type { Prompter } from "../prompter.ts";
import { serverText } from "../server-text.ts";
import type { AuthContext, AuthMethod } from "./auth-method.ts";
import { noteNeed } from "./auth-record.ts";

export class KeyboardMethod implements AuthMethod {
  readonly #context: AuthContext;
  readonly #prompter: Prompter;
  #tries = 0;
  #asked = false;

  constructor(context: AuthContext, prompter: Prompter) {
    this.#context = context;
    this.#prompter = prompter;
  }

  async next(): Promise<AnyAuthMethod | undefined> {
    const { record, prompts, giveUp } = this.#context;
    // A server that offered the method and then asked no question will not ask one the next time either
    // (sshconnect2.c).
    if (this.#tries >= prompts || (this.#tries > 0 && !this.#asked)) return undefined;
    this.#tries++;
    record.attempts.push({ method: "keyboard-interactive", answer: undefined });
    return {
      type: "keyboard-interactive",
      username: record.user,
      prompt: (name, instructions, _language, questions, finish) => {
        this.#asked = true;
        this.#answer(name, instructions, questions).then(finish).catch(giveUp);
      },
    };
  }

  async #answer(name: string, instructions: string, questions: readonly Prompt[]): Promise<string[]> {
    const { account, signal, record } = this.#context;
    if (questions.length > maxQuestions) throw new Error(`the server asks ${questions.length} questions at once`);
    const text = [name, instructions].map((part) => serverText(part)).filter((part) => part !== "");
    // A text alone may mean that a question was sent to somebody's telephone.
    if (questions.length > 0 || text.length > 0) noteNeed(record, "person");
    if (text.length > 0) this.#prompter.inform(text.join("\n"));
    const answers: string[] = [];
    for (const { prompt, echo } of questions) {
      const question = `(${account}) ${serverText(prompt)} `;
      answers.push(
        await (echo === true ? this.#prompter.ask(question, signal) : this.#prompter.secret(question, signal)),
      );
    }
    return answers;
  }
}

const maxQuestions = 100;
