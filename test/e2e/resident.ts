/** What a running process uses, as Linux shows its owner: memory, open files and processor time. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";

/** Why these figures cannot be read here, for a test's `skip`. */
export const notLinux = process.platform !== "linux" && "needs Linux's /proc";

/** Resident memory (proc(5), VmRSS). */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  if (kilobytes === undefined) throw new Error(`process ${pid} has no VmRSS`);
  return Number(kilobytes) * 1024;
}

/** Resident memory after a second without a change of more than 1 MB: then nothing in the process moves any more. */
export async function settledBytes(pid: number): Promise<number> {
  const deadline = performance.now() + 20_000;
  let [bytes, since] = [residentBytes(pid), performance.now()];
  while (performance.now() - since < 1000) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.ok(performance.now() < deadline, `memory goes on moving around ${bytes}`);
    const now = residentBytes(pid);
    if (Math.abs(now - bytes) > 1_000_000) [bytes, since] = [now, performance.now()];
  }
  return bytes;
}

/**
 * The environment of a porthop whose resident memory is what porthop still holds: the collector works as on a machine
 * with 64 MB, and the allocator returns free memory at once. Without these settings resident memory rises and falls
 * with garbage, more so on a machine with more memory, and hides every leak.
 */
export const tidyMemory = { MIMALLOC_PURGE_DELAY: "0", BUN_JSC_forceRAMSize: String(64 * 1024 * 1024) };

export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/**
 * Resolves when at most two more files are open than before. Asks again and again, because nothing
 * reports that a socket is closed.
 */
export async function closedFiles(pid: number, before: number): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (openFiles(pid) > before + 2) {
    assert.ok(performance.now() < deadline, `${before} open files became ${openFiles(pid)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Processor time so far, of all threads (proc(5), utime and stime, in hundredths of a second everywhere on Linux). */
export function processorMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  // The name, in brackets, may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return 10 * (Number(fields[11]) + Number(fields[12]));
}
