/**
 * The questions of the wizard: a choice from a list, or a line of text. Each question says itself which answers it
 * refuses, because an answer may be any text that a user typed. A text with a line break or another invisible character
 * is always refused.
 */
import { parsePort } from "../codec/host-port.ts";
import { Malformed } from "../codec/malformed.ts";
import { requireOneLine } from "../codec/words/shell-words.ts";

export type Question = Choice | Entry;

interface QuestionText {
  /** A question about the same thing keeps its id, whatever its words are. */
  readonly id: string;
  readonly ask: string;
  /** Sentences that stand below the question. */
  readonly about: readonly string[];
}

export interface Choice extends QuestionText {
  readonly kind: "choice";
  readonly options: readonly Option[];
  /** The value that is chosen when the user presses only Enter. */
  readonly usual: string;
}

export interface Option {
  readonly value: string;
  readonly label: string;
  readonly hint?: string;
}

export interface Entry extends QuestionText {
  readonly kind: "entry";
  /** The text that counts when the user presses only Enter. Undefined when the user must type something. */
  readonly usual: string | undefined;
  readonly example?: string;
  /** Throws Malformed when the text is no good answer. */
  check(text: string): void;
  /** A warning about an allowed answer. Undefined when there is nothing to warn of. */
  readonly warn?: (text: string) => string | undefined;
  /** When given, the answer is a port of this machine that must be free on this address. */
  readonly listensOn?: string;
}

/** What is known before the first question. */
export interface Facts {
  /** The name of this machine. */
  readonly here: string;
  /** The home folder. */
  readonly home: string;
  /** The names of servers in ~/.ssh/config. */
  readonly hosts: readonly string[];
}

/** Yields questions, and gets answers that `flawIn` has accepted. */
export type Asking<T> = Generator<Question, T, string>;

/** Why the answer is refused; undefined when it is accepted. */
export function flawIn(question: Question, answer: string): string | undefined {
  if (question.kind === "choice") {
    return question.options.some(({ value }) => value === answer) ? undefined : "that is not on the list";
  }
  try {
    if (answer === "") throw new Malformed("please type something");
    requireOneLine([answer]);
    question.check(answer);
    return undefined;
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return error.message;
  }
}

/** True when both questions are the same in every word. The answer to one then also answers the other. */
export function isSameQuestion(one: Question, other: Question): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

export function choice(id: string, ask: string, options: readonly Option[], more: Partial<Choice> = {}): Choice {
  return { kind: "choice", id, ask, about: [], options, usual: options[0]?.value ?? "", ...more };
}

type EntryOptions = Partial<Omit<Entry, "kind" | "id" | "ask" | "check">>;

export function entry(id: string, ask: string, check: (text: string) => void, more: EntryOptions = {}): Entry {
  return { kind: "entry", id, ask, about: [], usual: undefined, check, ...more };
}

export function portEntry(id: string, ask: string, usual: number | undefined, more: EntryOptions = {}): Entry {
  const check = (text: string) => void parsePort(text);
  return entry(id, ask, check, { usual: usual === undefined ? undefined : String(usual), ...more });
}
