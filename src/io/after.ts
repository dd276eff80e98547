/** A promise that resolves after a time, for a race with other promises. Its timer keeps no process alive. */

export function after(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
