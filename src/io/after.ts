/** A wait for a race with something else: by itself it keeps no process alive. */

export function after(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
