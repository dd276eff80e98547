/** Waits: for a time to pass, and for work no longer than somebody wants it. */
import type { Cancel } from "../flow/conn.ts";

/** For a race with other promises: the timer keeps no process alive, and nobody ends it. */
export function after(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

/** Resolves when the time is over, or at once when `cancel` fires. Nothing is left of it then. */
export function pause(ms: number, cancel: Cancel): Promise<void> {
  return new Promise((resolve) => {
    const over = () => {
      clearTimeout(timer);
      cancel.removeEventListener("abort", over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    if (cancel.aborted) over();
    else cancel.addEventListener("abort", over, { once: true });
  });
}

/** Rejects at once after an abort. The work itself goes on unheard: a lookup, or a read of a file, cannot be stopped. */
export function unlessAborted<T>(work: Promise<T>, signal: Cancel): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    void work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
