/** Runs of the peer process, medians, and memory as the kernel counts it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const peerFile = new URL("./peer.ts", import.meta.url).pathname;

/** Runs one measurement of the peer in the given mode, and returns the JSON line of the peer. */
export async function measure(mode: string, ...words: readonly (string | number)[]): Promise<{ seconds: number }> {
  const peer = startPeer(mode, ...words);
  const line = await firstLine(peer);
  peer.stdin?.end();
  return JSON.parse(line) as { seconds: number };
}

/** Small requests one after the other, each on its own connection: milliseconds. */
export async function measureRequests(place: string, count: number): Promise<{ p50: number; p99: number }> {
  return (await measure("requests", place, count)) as unknown as { p50: number; p99: number };
}

/** Starts a peer that stays. Resolves after its first line. */
export async function keep(mode: string, ...words: readonly (string | number)[]) {
  const peer = startPeer(mode, ...words);
  const line = JSON.parse(await firstLine(peer)) as Record<string, number>;
  return {
    line,
    async stop() {
      const ended = once(peer, "exit");
      peer.stdin?.end();
      await ended;
    },
  };
}

function startPeer(mode: string, ...words: readonly (string | number)[]): ChildProcess {
  return spawn(process.execPath, [peerFile, mode, ...words.map(String)], { stdio: ["pipe", "pipe", "inherit"] });
}

async function firstLine(peer: ChildProcess): Promise<string> {
  if (peer.stdout === null) throw new Error("the peer has no stdout");
  for await (const line of createInterface({ input: peer.stdout })) return line;
  throw new Error("the peer said nothing");
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
