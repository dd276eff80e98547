/** Writes memory to a file or a pipe to the last byte, however little of it is taken at once. */
import { write } from "node:fs";

/** The longest pause before a full pipe is tried again. */
const longestPauseMs = 50;

/** Called after each write with the number of bytes that were taken. */
export type Took = (bytes: number) => void;

/** Writes the first `count` bytes. */
export async function writePatiently(fd: number, bytes: Uint8Array, count: number, took: Took): Promise<void> {
  let from = 0;
  while (from < count) {
    const start = from;
    const written = await whenTaken(() => writeOnce(fd, bytes, start, count - start));
    if (written === 0) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    took(written);
    // A pipe or a disk that is nearly full may take fewer bytes, and so may a write that a signal interrupts.
    from += written;
  }
}

function writeOnce(fd: number, bytes: Uint8Array, from: number, count: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, from, count, null, (error, written) => (error === null ? resolve(written) : reject(error)));
  });
}

/**
 * Repeats a write while a full pipe answers EAGAIN. Bun makes a stdout that is a pipe non-blocking as soon as any code
 * looks at process.stdout.
 */
async function whenTaken(attempt: () => Promise<number>): Promise<number> {
  for (let pauseMs = 1; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
