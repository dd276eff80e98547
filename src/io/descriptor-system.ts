/**
 * What the system knows of this process's file descriptors: whether one more can be had, and how many are free. To take
 * one and give it back is exact, and costs two system calls; to count them costs many, and answers for a long time.
 */
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { devNull } from "node:os";
import { errnoOf } from "./socket-failure.ts";

/** The calls to the system, which tests replace. */
export interface DescriptorSystem {
  /** Takes one descriptor; undefined when none is left. */
  take(): number | undefined;
  give(descriptor: number): void;
  /** How many are free; 0 when that is not known. */
  count(): number;
  /** Blocks the event loop: nothing but other threads goes on meanwhile. */
  sleep(ms: number): void;
  /** Calls in the next turn of the event loop. */
  next(turn: () => void): void;
  now(): number;
  /** How many files may be open, as text; undefined when that is not known. */
  readonly limit: string | undefined;
  /**
   * Whether new clients wait in the kernel while accept(2) fails. Under Deno the listener then accepts nobody any more,
   * and under Node the clients are dropped.
   */
  readonly waits: boolean;
}

/** Stands for a descriptor where /dev/null does not exist (a bare chroot): nothing is held there, and nobody waits. */
const none = -1;
const cell = new Int32Array(new SharedArrayBuffer(4));

/** The system that porthop runs on. */
export const descriptorSystem: DescriptorSystem = {
  take() {
    try {
      return openSync(devNull, "r");
    } catch (error) {
      const errno = errnoOf(error);
      return errno === "EMFILE" || errno === "ENFILE" ? undefined : none;
    }
  },
  give(descriptor) {
    if (descriptor !== none) closeSync(descriptor);
  },
  count() {
    try {
      const mine = Number(limitOfFiles()) - readdirSync("/proc/self/fd").length;
      return Math.min(mine, freeOfAll()) || 0;
    } catch {
      return 0;
    }
  },
  sleep: (ms) => void Atomics.wait(cell, 0, 0, ms),
  next: (turn) => void setImmediate(turn),
  now: () => performance.now(),
  get limit() {
    return limitOfFiles();
  },
  waits: "bun" in process.versions,
};

/** The soft limit, which stands first (proc(5)). The runtimes raise the soft limit to the hard one when they start. */
function limitOfFiles(): string | undefined {
  try {
    return /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1];
  } catch {
    return undefined;
  }
}

/** How many files all processes together may still open: the file has those in use, a zero, and the limit (proc(5)). */
function freeOfAll(): number {
  const [used, , limit] = readFileSync("/proc/sys/fs/file-nr", "latin1").split("\t");
  return Number(limit) - Number(used);
}
