/**
 * Asks the person at the terminal. There is one only where there is a terminal and BatchMode is off: whoever has none
 * must do without an answer, never wait for one.
 */

export interface Prompter {
  /** A question whose answer is shown while it is typed. Rejects with PorthopError `cancelled` on Ctrl-C. */
  ask(question: string, signal?: AbortSignal): Promise<string>;
  /** A question whose answer is not shown. Rejects with PorthopError `cancelled` on Ctrl-C. */
  secret(question: string, signal?: AbortSignal): Promise<string>;
  /** Text to be read before the next question. It may have several lines and is safe to show. */
  inform(text: string): void;
}
