/** How the wizard talks to a person: with the prompts of a full terminal, or line by line where there is no such thing. */
import { PorthopError } from "../../errors.ts";
import type { Question } from "../../wizard/question.ts";
import type { Part } from "../../wizard/summary.ts";

/** The answer that leads to the question before. */
export const back = Symbol("back");

/** What a user types for it. */
export const backKey = "<";

export interface Asking {
  /** What Enter takes, in place of the question's own. */
  readonly usual?: string | undefined;
  /** Sentences besides the question's own. */
  readonly about?: readonly string[];
  /** Looks at a typed answer once more; gives back what is wrong with it. */
  readonly check?: ((text: string) => Promise<string | undefined>) | undefined;
  /** There is a question before. */
  readonly canGoBack: boolean;
}

export interface Asker {
  /** How many columns the lines of a part may have. */
  readonly columns: number;
  /** What is pressed or typed to go back, in words. */
  readonly backKeys: string;
  begin(title: string, text: string): void;
  /** Throws PorthopError `cancelled` after Ctrl-C. */
  ask(question: Question, asking: Asking): Promise<string | typeof back>;
  show(parts: readonly Part[]): void;
  say(text: string): void;
  warn(text: string): void;
  end(text: string): void;
  /** Gives the terminal back. */
  close(): void;
}

export function cancelled(): PorthopError {
  return new PorthopError("cancelled", "cancelled");
}

/**
 * A terminal on which the cursor cannot be moved, one read aloud, one too narrow to draw on, or one that does not know its
 * width, as a serial line: the prompts would take it for a single column.
 */
export function isPlain(environment: NodeJS.ProcessEnv, columns: number | undefined): boolean {
  const { TERM, ACCESSIBLE } = environment;
  const isTermless = process.platform !== "win32" && (TERM ?? "") === "";
  return TERM === "dumb" || isTermless || !["", "0", "false"].includes(ACCESSIBLE ?? "") || (columns ?? 0) < 30;
}

/** Wider than 80 columns lines are hard to read; a terminal that does not know its width has 80. */
export function columnsOf(columns: number | undefined): number {
  return columns === undefined || columns === 0 ? 80 : Math.min(columns, 80);
}
