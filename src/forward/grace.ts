/** How long a stop waits for what is under way: --grace, or until somebody is in a hurry. */

export class Grace {
  /** Resolves after that time, or when `hurry` fires. */
  readonly over: Promise<void>;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ms: number, hurry: AbortSignal) {
    this.over = new Promise((resolve) => {
      if (hurry.aborted) return resolve();
      this.#timer = setTimeout(resolve, ms);
      hurry.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  /** Nobody waits any more: it keeps no process alive. */
  release(): void {
    clearTimeout(this.#timer);
  }
}
