/**
 * How many lines of one kind may be logged: so many, and then none until a minute has passed since the first. Whoever
 * sends a flood of connections must not fill a screen or a disk.
 */

export const linesEachMinute = 20;

const minuteMs = 60_000;

export type Allowance =
  | { readonly kind: "say" /** How many lines were left out since the last one. */; readonly leftOut: number }
  /** The first line that is left out: the reader should know that more may follow. */
  | { readonly kind: "last-word" }
  | { readonly kind: "leave-out" };

export class LineBudget {
  #sinceMs = Number.NEGATIVE_INFINITY;
  #said = 0;
  #leftOut = 0;

  /** How many lines were left out and not told of yet. */
  get leftOut(): number {
    return this.#leftOut;
  }

  /** Decides about one line. `nowMs` never goes back. */
  take(nowMs: number): Allowance {
    const isOver = nowMs - this.#sinceMs >= minuteMs;
    const leftOut = isOver ? this.#leftOut : 0;
    if (isOver) {
      this.#sinceMs = nowMs;
      this.#said = 0;
      this.#leftOut = 0;
    }
    this.#said += 1;
    if (this.#said <= linesEachMinute) return { kind: "say", leftOut };
    this.#leftOut += 1;
    return { kind: this.#leftOut === 1 ? "last-word" : "leave-out" };
  }
}
