/** Waits for a time to pass. */
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
