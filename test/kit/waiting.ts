/**
 * Waits for something to become true, without sleeping: the code that changes the state says so, and each wait looks
 * again. A wait ends with what it found, with the reason why it can never come, or with a timeout that names what was
 * awaited.
 */
const patienceMs = 20_000;

interface Wait {
  look(): boolean;
  fail(error: Error): void;
}

export class Waiting {
  readonly #waits = new Set<Wait>();
  #why: (() => string) | undefined;

  /** Resolves with the first value of `find` that is not undefined. `find` is called now and after each `change`. */
  until<T>(what: string, find: () => T | undefined, timeoutMs = patienceMs): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = (): boolean => {
        const found = find();
        if (found === undefined) return false;
        resolve(found);
        return true;
      };
      if (look()) return;
      if (this.#why !== undefined) {
        reject(new Error(`waited for ${what}, but ${this.#why()}`));
        return;
      }
      this.#add(what, look, reject, timeoutMs);
    });
  }

  change(): void {
    for (const wait of [...this.#waits]) if (wait.look()) this.#waits.delete(wait);
  }

  /** Nothing will change any more. Waits that have found nothing reject with `why`. */
  end(why: () => string): void {
    this.change();
    this.#why ??= why;
    for (const wait of this.#waits) wait.fail(new Error(why()));
    this.#waits.clear();
  }

  #add(what: string, look: () => boolean, reject: (error: Error) => void, timeoutMs: number): void {
    const wait: Wait = {
      look: () => {
        const found = look();
        if (found) clearTimeout(timer);
        return found;
      },
      fail: (error) => {
        clearTimeout(timer);
        reject(new Error(`waited for ${what}, but ${error.message}`));
      },
    };
    const timer = setTimeout(() => {
      this.#waits.delete(wait);
      reject(new Error(`waited ${timeoutMs} ms for ${what} in vain`));
    }, timeoutMs);
    this.#waits.add(wait);
  }
}
