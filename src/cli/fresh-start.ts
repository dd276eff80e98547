/**
 * Starts the program anew in the same process, with settings under which Bun gives memory back later. Bun's memory
 * allocator, collector and compilers read these settings before any JavaScript runs. By default the allocator returns
 * freed memory to the system after 100 ms. At 600 MB/s most buffers of a forward would then come from the system again,
 * page by page, which takes a fifth of all processor time.
 */
import { ownCommand } from "./own-command.ts";

/**
 * Thirty seconds are longer than the pauses of a busy tunnel, and an idle tunnel gives its spare memory back after that
 * time. After a burst of 1 GB and 5,000 connections the process keeps 80 to 100 MB; with no limit (-1) 330 MB. The
 * collector works on one thread, because the other cores belong to the programs at both ends. The last and slowest of
 * the compilers (FTL) waits ten times longer than by default (64,000 runs): the first 6,000 flows then cost 0.19 ms
 * each instead of 0.26, and beyond 25,000 flows the compiling costs a little more, once. Huge pages stay off, as they are
 * by default: the kernel keeps on making them of sparsely used memory, and an idle tunnel grows by 26 MB.
 */
export const freshSettings: Readonly<Record<string, string>> = {
  MIMALLOC_PURGE_DELAY: "30000",
  BUN_JSC_useConcurrentGC: "0",
  BUN_JSC_numberOfGCMarkers: "1",
  BUN_JSC_thresholdForFTLOptimizeAfterWarmUp: "640000",
};

/** The commands that carry data for a long time. For other commands the new start would only cost 10 ms. */
const carriers = new Set(["run", "relay"]);

/** process.execve of Node, which bun-types do not know yet. */
type Execve = (file: string, argv: readonly string[], environment: NodeJS.ProcessEnv) => never;

/**
 * Does not return when the program starts anew. A process that has one of the settings already, from its first start or
 * from the user, does not start anew.
 */
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

/**
 * Removes the settings of this process from the environment, because they are not for the programs that porthop starts.
 */
function cleanEnvironment(): void {
  for (const [name, value] of Object.entries(freshSettings)) {
    if (process.env[name] === value) delete process.env[name];
  }
}
