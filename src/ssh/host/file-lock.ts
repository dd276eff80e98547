/**
 * One at a time: several porthop processes that change the same file take turns. The lock is a file beside it, which a
 * process that died cannot hold for long.
 */
import { randomBytes } from "node:crypto";
import { link, open, rename, stat, unlink } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { errnoOf } from "../../io/socket-failure.ts";

/** What is done under it takes milliseconds. */
const staleMs = 10_000;
const patienceMs = 15_000;

/** Where no lock can be made, and when the file stays locked: rejects with the reason, or does the work all the same. */
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
    // It was given back meanwhile.
    if (errnoOf(error) !== "ENOENT") throw error;
  }
  return false;
}

async function isStale(lock: string): Promise<boolean> {
  return Date.now() - (await stat(lock)).mtimeMs > staleMs;
}

/** Of several who find it stale only one can move it away; a fresh one that was moved by mistake is put back. */
async function breakOpen(lock: string): Promise<void> {
  const aside = `${lock}.${randomBytes(6).toString("hex")}`;
  await rename(lock, aside);
  if (!(await isStale(aside))) await link(aside, lock).catch(() => {});
  await unlink(aside);
}
