/** Runs of the peer process, medians, and memory as the kernel counts it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const peerFile = new URL("./peer.ts", import.meta.url).pathname;

/** Runs one measurement of the peer in the given mode, and returns the JSON line of the peer. */
export async function measure<Result = { seconds: number }>(
  mode: string,
  ...words: readonly (string | number)[]
): Promise<Result> {
  const { peer, line } = startPeer(mode, ...words);
  const result = await line();
  peer.stdin?.end();
  if (result === undefined) throw new Error("the peer said nothing");
  return result as Result;
}

/** Starts a peer that stays. Resolves after its first line. */
export async function keep(mode: string, ...words: readonly (string | number)[]) {
  const { peer, line } = startPeer(mode, ...words);
  const first = await line();
  if (first === undefined) throw new Error("the peer said nothing");
  return {
    line: first,
    /** Returns what the peer says at its end, if anything. */
    async stop() {
      const ended = once(peer, "exit");
      peer.stdin?.end();
      const last = await line();
      await ended;
      return last;
    },
  };
}

function startPeer(mode: string, ...words: readonly (string | number)[]) {
  const peer: ChildProcess = spawn(process.execPath, [peerFile, mode, ...words.map(String)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  if (peer.stdout === null) throw new Error("the peer has no stdout");
  const lines = createInterface({ input: peer.stdout })[Symbol.asyncIterator]();
  const line = async () => {
    const { value, done } = await lines.next();
    return done === true ? undefined : (JSON.parse(value) as Record<string, number>);
  };
  return { peer, line };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Resident memory now and at its highest, in KiB. */
export function memoryOf(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? Number.NaN);
  return { now: kib("VmRSS"), peak: kib("VmHWM") };
}

/** User and system time that the process has used, in seconds. */
export function cpuOf(pid: number): number {
  const columns = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(columns[11]) + Number(columns[12])) / 100;
}

/** Processor seconds for each GiB, as text. They are steadier than times where others use the machine too. */
export function perGib({ cpuSeconds, mebibytes }: { cpuSeconds: number; mebibytes: number }): string {
  return ((cpuSeconds / mebibytes) * 1024).toFixed(2);
}
