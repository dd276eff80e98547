/** How long a stop waits for what is under way: the time of --grace, or until a second signal asks to hurry. */

export class Grace {
  /** Resolves after `ms`, or when `hurry` fires. */
  readonly over: Promise<void>;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ms: number, hurry: AbortSignal) {
    this.over = new Promise((resolve) => {
      if (hurry.aborted) return resolve();
      this.#timer = setTimeout(resolve, ms);
      hurry.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  /** Call this when nobody waits any more: the timer would keep the process alive. */
  release(): void {
    clearTimeout(this.#timer);
  }
}
