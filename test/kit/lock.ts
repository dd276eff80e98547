/**
 * A lock between processes: a directory in the temp directory that one of them holds while it installs or builds.
 * Synchronous, because it is taken while test files load. A lock whose holder died is taken over.
 */
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAlive } from "./processes.ts";

/** Nothing that is done under a lock takes this long: such a lock belongs to a process id that was given out again. */
const staleMs = 15 * 60_000;

/** Runs `work` while no other process that asks for the same name does. */
export function withLock<T>(name: string, work: () => T, directory = tmpdir()): T {
  // Each user has his own: another user's leftover cannot be taken over in a sticky directory.
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

/** The directory is made elsewhere and renamed into place, so that no lock is ever seen without its holder's name. */
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

/** Two processes may find the same stale lock; the one that makes the second directory looks again and removes it. */
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

/** Renamed first: an emptied lock could be taken by the next process before it is removed, and would be removed from it. */
function remove(lock: string): void {
  const aside = mkdtempSync(`${lock}-`);
  try {
    renameSync(lock, join(aside, "lock"));
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

/** Zero when it is gone: then there is nothing to break. */
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
