/** What a running process holds, as Linux shows it to its owner: memory and open files. */
import { readdirSync, readFileSync } from "node:fs";

/** Why these cannot be measured here, for a test's `skip`. */
export const notLinux = process.platform !== "linux" && "needs Linux's /proc";

/** Resident memory (proc(5), VmRSS). */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  if (kilobytes === undefined) throw new Error(`process ${pid} has no VmRSS`);
  return Number(kilobytes) * 1024;
}

export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
