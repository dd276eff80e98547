/**
 * A lock between processes: a directory in the temp directory that one process holds while it installs or builds. The
 * lock is synchronous, because it is taken while test files load. A lock whose holder died is taken over.
 */
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAlive } from "./processes.ts";

/**
 * No work under a lock takes this long. Such an old lock belongs to a process id that another process has got since.
 */
const staleMs = 15 * 60_000;

/** Runs `work` while no other process runs its own work under this name. */
export function withLock<T>(name: string, work: () => T, directory = tmpdir()): T {
  // Each user has a separate lock, because a user cannot remove another user's lock from a sticky directory.
  const lock = join(directory, `${name}-${process.getuid?.() ?? 0}.lock`);
  while (!take(lock)) {
    if (isStale(lock)) breakStale(lock);
    else pause(100);
  }
  try {
    return work();
  } finally {
    remove(lock);
  }
}

/**
 * The directory is made under another name and then renamed, so no process ever sees a lock without its holder's name.
 */
function take(lock: string): boolean {
  const ready = mkdtempSync(`${lock}-`);
  writeFileSync(join(ready, "holder"), String(process.pid));
  try {
    renameSync(ready, lock);
    return true;
  } catch {
    rmSync(ready, { recursive: true, force: true });
    return false;
  }
}

function isStale(lock: string): boolean {
  try {
    const holder = Number(readFileSync(join(lock, "holder"), "utf8"));
    return !isAlive(holder) || ageMs(lock) > staleMs;
  } catch {
    return ageMs(lock) > 10_000;
  }
}

/**
 * Two processes may find the same stale lock. Only the process that can make the second directory looks again and
 * removes the lock.
 */
function breakStale(lock: string): void {
  const breaking = `${lock}.breaking`;
  try {
    mkdirSync(breaking);
  } catch {
    if (ageMs(breaking) > 10_000) rmSync(breaking, { recursive: true, force: true });
    else pause(20);
    return;
  }
  try {
    if (isStale(lock)) remove(lock);
  } finally {
    rmSync(breaking, { recursive: true, force: true });
  }
}

/**
 * The lock is renamed first. Otherwise the next process could take the emptied lock just before its removal, and would
 * lose the lock.
 */
function remove(lock: string): void {
  const aside = mkdtempSync(`${lock}-`);
  try {
    renameSync(lock, join(aside, "lock"));
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

/** Zero when the lock is gone: then there is nothing to break. */
function ageMs(path: string): number {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
