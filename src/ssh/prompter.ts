/**
 * Asks the person at the terminal. A prompter exists only when there is a terminal and BatchMode is off. Code without a
 * prompter must go on without an answer and never wait for one.
 */

export interface Prompter {
  /** A question whose answer is shown while it is typed. Rejects with PorthopError `cancelled` on Ctrl-C. */
  ask(question: string, signal?: AbortSignal): Promise<string>;
  /** A question whose answer is not shown. Rejects with PorthopError `cancelled` on Ctrl-C. */
  secret(question: string, signal?: AbortSignal): Promise<string>;
  /** Text for the person to read before the next question. The text may have several lines and must be safe to show. */
  inform(text: string): void;
}
