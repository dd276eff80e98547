/**
 * What the wizard asks: a choice from a list, or a line of text. An answer is always text that a user typed, so each
 * question says itself what it refuses; nothing with a line break or another invisible character gets through.
 */
import { parsePort } from "../codec/host-port.ts";
import { Malformed } from "../codec/malformed.ts";
import { requireOneLine } from "../codec/words/shell-words.ts";

export type Question = Choice | Entry;

interface Asked {
  /** The same for the same thing asked, whatever its words. */
  readonly id: string;
  readonly ask: string;
  /** Sentences below the question. */
  readonly about: readonly string[];
}

export interface Choice extends Asked {
  readonly kind: "choice";
  readonly options: readonly Option[];
  /** The value that Enter takes. */
  readonly usual: string;
}

export interface Option {
  readonly value: string;
  readonly label: string;
  readonly hint?: string;
}

export interface Entry extends Asked {
  readonly kind: "entry";
  /** What Enter alone takes; undefined when something has to be typed. */
  readonly usual: string | undefined;
  readonly example?: string;
  /** Throws Malformed. */
  check(text: string): void;
  /** What is allowed and yet worth a word. */
  readonly warn?: (text: string) => string | undefined;
  /** The answer is a port of this machine, to be free on this address. */
  readonly listensOn?: string;
}

/** What is known before anything is asked. */
export interface Facts {
  /** The name of this machine. */
  readonly here: string;
  /** The home folder. */
  readonly home: string;
  /** Names that ~/.ssh/config has for servers. */
  readonly hosts: readonly string[];
}

/** Yields questions, is handed answers that passed `flawIn`. */
export type Asking<T> = Generator<Question, T, string>;

/** Why this is no answer, if so. */
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

/** Whether the one is asked as the other was: an answer to that one then answers this one too. */
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

/** A question for a port. */
export function portEntry(id: string, ask: string, usual: number | undefined, more: EntryOptions = {}): Entry {
  const check = (text: string) => void parsePort(text);
  return entry(id, ask, check, { usual: usual === undefined ? undefined : String(usual), ...more });
}
