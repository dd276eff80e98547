/** How the wizard talks to a person: with the prompts of a full terminal, or line by line on a simpler terminal. */
import { PorthopError } from "../../errors.ts";
import type { Question } from "../../wizard/question.ts";
import type { SummaryPart } from "../../wizard/summary.ts";

/** The answer that leads to the previous question. */
export const back = Symbol("back");

/** The key that a user types to go back. */
export const backKey = "<";

export interface AskOptions {
  /** The answer for Enter, in place of the question's own default. */
  readonly usual?: string | undefined;
  /** Sentences to show besides the question's own. */
  readonly about?: readonly string[];
  /** A further check of a typed answer. Resolves with what is wrong, or with undefined. */
  readonly check?: ((text: string) => Promise<string | undefined>) | undefined;
  /** True when there is a previous question. */
  readonly canGoBack: boolean;
}

export interface Asker {
  /** The greatest width of a part's lines. */
  readonly columns: number;
  /** The keys for going back, in words. */
  readonly backKeys: string;
  begin(title: string, text: string): void;
  /** Throws PorthopError `cancelled` after Ctrl-C. */
  ask(question: Question, asking: AskOptions): Promise<string | typeof back>;
  show(parts: readonly SummaryPart[]): void;
  say(text: string): void;
  warn(text: string): void;
  end(text: string): void;
  /** Gives the terminal back to the shell. */
  close(): void;
}

export function cancelled(): PorthopError {
  return new PorthopError("cancelled", "cancelled");
}

/**
 * True for a terminal on which prompts do not work: the cursor cannot be moved, the text is read aloud, the screen is
 * too narrow, or the width is unknown. (For an unknown width, as on a serial line, the prompts would use one column.)
 */
export function isPlain(environment: NodeJS.ProcessEnv, columns: number | undefined): boolean {
  const { TERM, ACCESSIBLE } = environment;
  const isTermless = process.platform !== "win32" && (TERM ?? "") === "";
  return TERM === "dumb" || isTermless || !["", "0", "false"].includes(ACCESSIBLE ?? "") || (columns ?? 0) < 30;
}

/** Lines wider than 80 columns are hard to read. A terminal with an unknown width counts as 80 columns wide. */
export function columnsOf(columns: number | undefined): number {
  return columns === undefined || columns === 0 ? 80 : Math.min(columns, 80);
}
