/**
 * Finds the program that listens on a TCP port or a unix socket of this machine, as far as the system shows it: Linux's
 * /proc shows the sockets to everyone, but the processes behind them only to their owner and root.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface PortHolder {
  readonly program: string;
  readonly pid: number;
}

export function portHolder(port: number): PortHolder | undefined {
  return holderOf(new Set(["/proc/net/tcp", "/proc/net/tcp6"].flatMap((table) => listeningInodes(table, port))));
}

/** `path` is the path that the program gave to bind(2): a relative path there is not found by its absolute form. */
export function unixHolder(path: string): PortHolder | undefined {
  return holderOf(new Set(listeningAt(path)));
}

function holderOf(inodes: ReadonlySet<string>): PortHolder | undefined {
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
    .filter((row) => row.includes(suffix))
    .map((row) => row.trim().split(/\s+/))
    .filter((columns) => columns[1]?.endsWith(suffix) && columns[3] === "0A")
    .map((columns) => `socket:[${columns[9]}]`);
}

/** Rows are `Num RefCount Protocol Flags Type St Inode Path`; the flag 10000 marks a listener (net/unix/af_unix.c). */
function listeningAt(path: string): string[] {
  const rows = (readText("/proc/net/unix") ?? "").split("\n");
  return rows.flatMap((row) => {
    const [, flags = "", inode = "", name] = /^\S+ \S+ \S+ (\S+) \S+ \S+ +(\d+) (.*)$/.exec(row) ?? [];
    return name === path && (Number.parseInt(flags, 16) & 0x10000) !== 0 ? [`socket:[${inode}]`] : [];
  });
}

// A process may end during the search, or belong to another user: then there is nothing to see, which is no failure.
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
