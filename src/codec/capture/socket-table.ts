/**
 * The command that asks a server from which address sshd dialed a target, and the reader of the answer.
 * The SSH protocol does not tell that address (RFC 4254, section 5.1 confirms a channel without addresses), but Linux
 * shows every TCP socket to every user in /proc/net/tcp.
 */
import type { TcpAddress } from "../address.ts";

/**
 * A shell loop that runs until its stdin ends. First it prints the user's number and a lone dot. For each line with a
 * port in hex it prints the sockets that have this port at either end, then a lone dot.
 * `$PPID` is sshd's process for this session. Root may read the file descriptors of that process: a `socket:[INODE]`
 * line for each socket tells sshd's own connections from those of other programs.
 * The descriptors are read before the table. A connection that ends between the two reads is then in both, and the
 * table shows it as closing. In the other order, no process would seem to hold that connection.
 * The table is read once per question, because one read takes the kernel 10 ms.
 */
export const socketTableCommand = `sh -c '${[
  "id -u; echo .;",
  "while read -r p; do",
  'ls -l /proc/$PPID/fd 2>/dev/null | grep -o "socket:.*";',
  'grep -h ":$p " /proc/net/tcp /proc/net/tcp6 2>/dev/null;',
  "echo .; done",
].join(" ")}'`;

export interface SocketRow {
  readonly local: TcpAddress;
  readonly remote: TcpAddress;
  /** False for a socket that is closing or closed. A socket in TIME-WAIT has no owner and no inode any more. */
  readonly established: boolean;
  readonly uid: number;
  readonly inode: string;
}

export interface SocketTable {
  readonly rows: readonly SocketRow[];
  /** The inodes of the sockets that sshd's own process holds; empty when the user may not read them. */
  readonly own: ReadonlySet<string>;
}

/** The line that asks socketTableCommand for one port. */
export function askPort(port: number): string {
  return `${port.toString(16).toUpperCase().padStart(4, "0")}\n`;
}

/** Skips lines that are neither a row nor an inode: a login shell may print anything. */
export function readSocketTable(lines: readonly string[]): SocketTable {
  const rows: SocketRow[] = [];
  const own = new Set<string>();
  for (const line of lines) {
    const inode = /^socket:\[(\d+)\]$/.exec(line)?.[1];
    if (inode !== undefined) own.add(inode);
    const row = readRow(line.trim().split(/\s+/));
    if (row !== undefined) rows.push(row);
  }
  return { rows, own };
}

/**
 * A command that prints the sockets with this port at either end and then exits. Port 0 stands for all sockets that
 * listen.
 */
export function portTableCommand(port: number): string {
  const wanted = port === 0 ? ` ${stateListen} ` : `:${askPort(port).trim()} `;
  return `sh -c 'grep -h "${wanted}" /proc/net/tcp /proc/net/tcp6 2>/dev/null'`;
}

export interface ListeningRow {
  readonly host: string;
  readonly port: number;
  /** Tells one socket from a later one at the same address. */
  readonly inode: string;
}

/** The sockets that listen. */
export function readListening(lines: readonly string[]): readonly ListeningRow[] {
  return lines.flatMap((line) => {
    const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
    const end = state === stateListen ? readEnd(local) : undefined;
    return end === undefined ? [] : [{ ...end, inode }];
  });
}

/** `0: 0100007F:80FA 0100007F:A5FD 01 queues timer retransmits uid timeout inode ...` (proc(5)). */
function readRow(columns: readonly string[]): SocketRow | undefined {
  const [, from, to, state, , , , uid, , inode] = columns;
  if (from === undefined || to === undefined || state === undefined || inode === undefined) return undefined;
  if (notConnected.has(state)) return undefined;
  const local = readEnd(from);
  const remote = readEnd(to);
  if (local === undefined || remote === undefined) return undefined;
  return { local, remote, established: state === stateEstablished, uid: Number(uid), inode };
}

const stateEstablished = "01";
const stateListen = "0A";
/** LISTEN, and the states of unfinished handshakes: SYN-SENT, SYN-RECV, NEW-SYN-RECV (include/net/tcp_states.h). */
const notConnected: ReadonlySet<string> = new Set([stateListen, "02", "03", "0C"]);

/**
 * Reads an end as the kernel prints it: the address in 32-bit
 * words, each in the machine's byte order (assumed little endian).
 */
function readEnd(text: string): TcpAddress | undefined {
  const match = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(text);
  const hex = match?.[1];
  const port = match?.[2];
  if (hex === undefined || port === undefined) return undefined;
  const bytes: number[] = [];
  for (let word = 0; word < hex.length; word += 8) {
    for (let byte = 6; byte >= 0; byte -= 2) bytes.push(Number.parseInt(hex.slice(word + byte, word + byte + 2), 16));
  }
  return { host: hostOf(bytes), port: Number.parseInt(port, 16) };
}

function hostOf(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join(".");
  // An IPv4 address on an IPv6 socket.
  if (bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255) {
    return bytes.slice(12).join(".");
  }
  const groups: string[] = [];
  for (let index = 0; index < 16; index += 2) {
    groups.push((((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0)).toString(16));
  }
  return compress(groups);
}

/** RFC 5952, section 4.2: the longest run of two or more zero groups becomes `::`. */
function compress(groups: readonly string[]): string {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === "0") length++;
    if (length > best.length) best = { start, length };
  }
  if (best.length < 2) return groups.join(":");
  return `${groups.slice(0, best.start).join(":")}::${groups.slice(best.start + best.length).join(":")}`;
}

/** An established IPv4 connection as a row of /proc/net/tcp, for the demo's server, which answers socketTableCommand. */
export function printSocketRow(local: TcpAddress, remote: TcpAddress, uid: number, inode: number): string {
  return `0: ${printEnd(local)} ${printEnd(remote)} ${stateEstablished} 00000000:00000000 00:00000000 00000000 ${uid} 0 ${inode}`;
}

function printEnd({ host, port }: TcpAddress): string {
  const hex = (value: number, digits: number) => value.toString(16).toUpperCase().padStart(digits, "0");
  const word = host.split(".").map((byte) => hex(Number(byte), 2));
  return `${word.reverse().join("")}:${hex(port, 4)}`;
}
