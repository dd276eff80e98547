/**
 * Starts the program anew in the same process, with a memory allocator that is slower to give memory back: Bun's returns
 * freed pages to the system after 100 ms, and at 600 MB/s most of a forward's buffers would come from there again, page by
 * page (a fifth of all processor time). Allocator, collector and compilers read their settings before any JavaScript runs.
 */
import { ownCommand } from "./own-command.ts";

/**
 * Thirty seconds span the pauses of a busy tunnel, and an idle one has given back what it does not need after them: kept
 * for ever (-1), 330 MB stay after a burst of 1 GB and 5,000 connections, and else 80 to 100. The collector works on one
 * thread: the other cores belong to the programs at both ends. The last and dearest of the compilers (FTL) waits ten
 * times longer than by itself (64,000 runs): the first 6,000 flows cost 0.19 ms each instead of 0.26, and beyond 25,000
 * it costs a little more, once.
 */
export const freshSettings: Readonly<Record<string, string>> = {
  MIMALLOC_PURGE_DELAY: "30000",
  MIMALLOC_ALLOW_THP: "1",
  BUN_JSC_useConcurrentGC: "0",
  BUN_JSC_numberOfGCMarkers: "1",
  BUN_JSC_thresholdForFTLOptimizeAfterWarmUp: "640000",
};

/** Commands that carry data for long; for the others 10 ms more would be all that they see of it. */
const carriers = new Set(["run", "relay"]);

/** Node's own, which bun-types do not know yet. */
type Execve = (file: string, argv: readonly string[], environment: NodeJS.ProcessEnv) => never;

/** Does not return when it starts anew. A user's own setting of the allocator is left alone. */
export function startAfresh(words: readonly string[]): void {
  const { execve } = process as { execve?: Execve };
  if (!carriers.has(words[0] ?? "") || !("bun" in process.versions) || execve === undefined) return;
  if (Object.keys(freshSettings).some((name) => process.env[name] !== undefined)) {
    cleanEnvironment();
    return;
  }
  const [program = "", ...before] = ownCommand();
  execve.call(process, program, [program, ...before, ...words], { ...process.env, ...freshSettings });
}

/** What was set for this process is not for the programs that it starts. */
function cleanEnvironment(): void {
  for (const [name, value] of Object.entries(freshSettings)) {
    if (process.env[name] === value) delete process.env[name];
  }
}
