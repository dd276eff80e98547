/**
 * Finds and ends the children, and the children's children, of a program under test. A child whose parent died belongs
 * to init, so all processes are collected before any is killed.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** All processes below `pid`, parents before their children, without `pid` itself. */
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

/** The processes that were started with this `NAME=value` in the environment. Empty on systems without /proc. */
export function withEnvironment(entry: string): number[] {
  return numbered().filter((pid) => readProc(pid, "environ").split("\0").includes(entry));
}

/**
 * Kills a process and all processes below it, so that none can start another meanwhile. Returns all of them, for
 * `gone`.
 */
export function killTree(pid: number): number[] {
  send([pid], "SIGSTOP");
  const all = [...killBelow(() => descendants(pid)), pid];
  send([pid], "SIGKILL");
  return all;
}

/**
 * Kills all processes that `below` lists. `below` is asked twice: before and after the first ones were stopped. The
 * second list may lack a process whose parent was just ending, because it belongs to init by then. Such a process would
 * stay stopped for ever and keep its pipes, so both lists are killed.
 */
export function killBelow(below: () => readonly number[]): number[] {
  const first = below();
  send(first, "SIGSTOP");
  const all = [...new Set([...first, ...below()])];
  send(all, "SIGKILL");
  return all;
}

/**
 * Resolves once none of the processes lives. It looks again and again, because the system tells nobody about the end of
 * another process's child.
 */
export async function gone(pids: readonly number[], timeoutMs = 10_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (let alive = pids.filter(isAlive); alive.length > 0; alive = alive.filter(isAlive)) {
    if (performance.now() > deadline) throw new Error(`still alive after ${timeoutMs} ms: ${alive.join(", ")}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Sends a signal to those processes that still live. */
export function send(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // The process ended by itself meanwhile.
    }
  }
}

/** False for a zombie too: it is dead, and only its exit code was not read. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  return !/^[ZX]/.test(afterName(readProc(pid, "stat")));
}

/**
 * The user's name from the system's own list. Bun's userInfo() believes $USER, and says "unknown" when $USER is not
 * set.
 */
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

/** The form in proc(5): `pid (name) state ppid ...`. The name may have spaces and brackets. */
function afterName(stat: string): string {
  return stat.slice(stat.lastIndexOf(")") + 2);
}
