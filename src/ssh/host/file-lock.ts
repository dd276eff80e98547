/**
 * A lock by which several porthop processes take turns in changing one file. The lock is a second file beside the
 * first. A process that died does not hold the lock for long, because an old lock is broken open.
 */
import { randomBytes } from "node:crypto";
import { link, open, rename, stat, unlink } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { errnoOf } from "../../io/socket-failure.ts";

/** A lock older than this belongs to a dead process: the work under a lock takes milliseconds. */
const staleMs = 10_000;
const patienceMs = 15_000;

/**
 * Runs `work` under the lock. `without` decides what happens when no lock can be made, or when the file stays locked:
 * "fail" rejects with the reason, "go on" does the work without a lock.
 */
export async function withLock<T>(
  path: string,
  work: () => Promise<T>,
  without: "fail" | "go on" = "fail",
): Promise<T> {
  const lock = `${path}.lock`;
  try {
    await wait(lock);
  } catch (error) {
    if (without === "fail") throw error;
    return await work();
  }
  try {
    return await work();
  } finally {
    await unlink(lock).catch(() => {});
  }
}

async function wait(lock: string): Promise<void> {
  const giveUpAt = Date.now() + patienceMs;
  while (!(await take(lock))) {
    if (Date.now() > giveUpAt) throw new Error(`${lock} is held by another process`);
    await sleep(5 + Math.random() * 20);
  }
}

async function take(lock: string): Promise<boolean> {
  try {
    await (await open(lock, "wx", 0o600)).close();
    return true;
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
  }
  try {
    if (await isStale(lock)) await breakOpen(lock);
  } catch (error) {
    // The other process has removed the lock meanwhile.
    if (errnoOf(error) !== "ENOENT") throw error;
  }
  return false;
}

async function isStale(lock: string): Promise<boolean> {
  return Date.now() - (await stat(lock)).mtimeMs > staleMs;
}

/**
 * Several processes may find the lock stale, but only one can move it away. A fresh lock that was moved by mistake is
 * put back.
 */
async function breakOpen(lock: string): Promise<void> {
  const aside = `${lock}.${randomBytes(6).toString("hex")}`;
  await rename(lock, aside);
  if (!(await isStale(aside))) await link(aside, lock).catch(() => {});
  await unlink(aside);
}
