/**
 * Disks that misbehave: one that accepts nothing until the test allows it, and one that is full after a few megabytes.
 */
import { spawnSync } from "node:child_process";
import { closeSync, constants, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { atExit } from "./lifetime.ts";
import { removeTemp, tempDirectory } from "./temp.ts";

/** A fifo that holds 64 KiB and is read only when the test says so. Needs the tool mkfifo. */
export class SlowDisk implements Disposable {
  /** The end to write to. The writer closes it. */
  readonly fd: number;
  readonly #directory = tempDirectory("slow-disk");
  readonly #readFd: number;

  /** With `blocking: false`, a write to a full disk fails with EAGAIN instead of waiting. */
  constructor({ blocking = true } = {}) {
    const path = join(this.#directory, "disk");
    const made = spawnSync("mkfifo", [path]);
    if (made.status !== 0) throw new Error(`mkfifo failed: ${made.stderr}`);
    const { O_RDWR, O_RDONLY, O_NONBLOCK } = constants;
    this.fd = openSync(path, blocking ? O_RDWR : O_RDWR | O_NONBLOCK);
    this.#readFd = openSync(path, O_RDONLY | O_NONBLOCK);
  }

  /** Reads exactly this many bytes, and waits until they were written. */
  async take(bytes: number): Promise<Uint8Array> {
    const taken = new Uint8Array(bytes);
    let at = 0;
    while (at < bytes) at += await this.#read(taken.subarray(at));
    return taken;
  }

  /** Reads all bytes until the promise settles, and then the rest. */
  async takeUntil(done: Promise<unknown>): Promise<Uint8Array> {
    let isDone = false;
    const settled = done.finally(() => {
      isDone = true;
    });
    const chunks: Uint8Array[] = [];
    const buffer = new Uint8Array(65_536);
    for (;;) {
      const wasDone = isDone;
      const count = await this.#read(buffer);
      if (count > 0) chunks.push(buffer.slice(0, count));
      else if (wasDone) break;
    }
    await settled;
    return Buffer.concat(chunks);
  }

  [Symbol.dispose](): void {
    closeSync(this.#readFd);
    removeTemp(this.#directory);
  }

  /** Returns 0 when no byte is there; other work then gets its turn. */
  async #read(into: Uint8Array): Promise<number> {
    try {
      const count = readSync(this.#readFd, into);
      if (count > 0) return count;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) throw error;
    }
    await new Promise((resolve) => setImmediate(resolve));
    return 0;
  }
}

/** A file system of its own. Only root can mount one; `path` is undefined for others. */
export function tinyDisk(megabytes: number): { readonly path: string | undefined } & Disposable {
  const directory = tempDirectory("tiny-disk");
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", directory]).status === 0;
  const unmount = () => {
    if (mounted) spawnSync("umount", ["-l", directory]);
  };
  const forget = atExit(unmount);
  return {
    path: mounted ? directory : undefined,
    [Symbol.dispose]() {
      unmount();
      forget();
      removeTemp(directory);
    },
  };
}
