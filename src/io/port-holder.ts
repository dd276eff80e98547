/**
 * Who listens on a TCP port of this machine, as far as the system lets us see it: Linux's /proc shows the sockets to
 * everyone, and the processes behind them to their owner and root.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface PortHolder {
  readonly program: string;
  readonly pid: number;
}

export function portHolder(port: number): PortHolder | undefined {
  const inodes = new Set(["/proc/net/tcp", "/proc/net/tcp6"].flatMap((table) => listeningInodes(table, port)));
  if (inodes.size === 0) return undefined;
  for (const pid of listFolder("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const holds = listFolder(`/proc/${pid}/fd`).some((fd) => {
      const target = readLink(`/proc/${pid}/fd/${fd}`);
      return target !== undefined && inodes.has(target);
    });
    if (holds) return { program: readText(`/proc/${pid}/comm`)?.trim() || "a program", pid: Number(pid) };
  }
  return undefined;
}

/** The sockets in state LISTEN (0A) on a port, as /proc/PID/fd shows them: `socket:[INODE]`. */
function listeningInodes(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = (readText(table) ?? "").split("\n").slice(1);
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter((columns) => columns[1]?.endsWith(suffix) && columns[3] === "0A")
    .map((columns) => `socket:[${columns[9]}]`);
}

// A process may end, or be another user's, while we look: then there is nothing to see, which is an answer.
function listFolder(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
