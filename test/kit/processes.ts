/**
 * Who runs, and under whom: finding and ending the children, and children's children, of a program under test.
 * A child whose parent died belongs to init, so each ending collects first and kills then.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** All processes below `pid`, parents before their children; without `pid` itself. */
export function descendants(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const row of table()) children.set(row.parent, [...(children.get(row.parent) ?? []), row.pid]);
  const found: number[] = [];
  const queue = [pid];
  for (let parent = queue.shift(); parent !== undefined; parent = queue.shift()) {
    const below = children.get(parent) ?? [];
    found.push(...below);
    queue.push(...below);
  }
  return found;
}

/** Processes with this `NAME=value` in the environment they were started with. Knows nothing where there is no /proc. */
export function withEnvironment(entry: string): number[] {
  return numbered().filter((pid) => readProc(pid, "environ").split("\0").includes(entry));
}

/** Kills a process and all below it so that nobody can start another meanwhile. Gives all of them, for `gone`. */
export function killTree(pid: number): number[] {
  send([pid], "SIGSTOP");
  const all = [...killBelow(() => descendants(pid)), pid];
  send([pid], "SIGKILL");
  return all;
}

/**
 * Kills all that `below` tells, asked twice: before and after those of the first time were stopped. One whose parent was
 * just ending belongs to init the second time: it would stay stopped for ever, with the pipes that it holds.
 */
export function killBelow(below: () => readonly number[]): number[] {
  const first = below();
  send(first, "SIGSTOP");
  const all = [...new Set([...first, ...below()])];
  send(all, "SIGKILL");
  return all;
}

/** Resolves once none of them lives. Asks again and again: nobody is told of the end of another's child. */
export async function gone(pids: readonly number[], timeoutMs = 10_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (let alive = pids.filter(isAlive); alive.length > 0; alive = alive.filter(isAlive)) {
    if (performance.now() > deadline) throw new Error(`still alive after ${timeoutMs} ms: ${alive.join(", ")}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Sends a signal to those that still live. */
export function send(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It ended by itself in between.
    }
  }
}

/** False for a zombie too: it is dead, only nobody has asked for its exit code. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  return !/^[ZX]/.test(afterName(readProc(pid, "stat")));
}

/** From the system's own list: Bun's userInfo() believes $USER, and says "unknown" where that is not set. */
export function currentUser(): string {
  return spawnSync("id", ["-un"], { encoding: "utf8" }).stdout.trim();
}

interface Row {
  readonly pid: number;
  readonly parent: number;
}

function table(): Row[] {
  const pids = numbered();
  if (pids.length > 0) {
    return pids.map((pid) => ({ pid, parent: Number(afterName(readProc(pid, "stat")).split(" ")[1] ?? -1) }));
  }
  const listing = spawnSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" }).stdout ?? "";
  return [...listing.matchAll(/(\d+)\s+(\d+)/g)].map((row) => ({ pid: Number(row[1]), parent: Number(row[2]) }));
}

function numbered(): number[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return "";
  }
}

/** proc(5): `pid (name) state ppid ...`, and the name itself may hold spaces and brackets. */
function afterName(stat: string): string {
  return stat.slice(stat.lastIndexOf(")") + 2);
}
