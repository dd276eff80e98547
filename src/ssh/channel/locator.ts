/**
 * Finds the true addresses of leg 3. Just after a channel opens, the locator asks the server for its sockets to the
 * target's port, and takes the socket that was not there before. When there is any doubt, the answer is "unknown" and
 * never a guess.
 */

import { isIP } from "node:net";
import type { ClientChannel } from "ssh2";
import { type Address, formatAddress, isUnix, type TcpAddress } from "../../codec/address.ts";
import { askPort, readSocketTable, type SocketRow, socketTableCommand } from "../../codec/capture/socket-table.ts";
import { isSameAddress } from "../../codec/ip-bytes.ts";
import type { CommandGate } from "./command-gate.ts";

/** How long an answer may take. The capture holds frames back until the answer comes. */
const answerTimeoutMs = 1000;
/**
 * How many keys of sockets are remembered; beyond this number the oldest are forgotten. A port that is used again can
 * then be found again. Each socket has two keys. One answer always fits, so sockets that still exist are never
 * forgotten.
 */
const seenKept = 32_768;
/** An answer with more bytes than this makes the locator give the shell up. */
const answerBytes = 1024 * 1024;

type Gate = Pick<CommandGate, "start">;

export interface Located {
  readonly from: Address;
  readonly to: Address;
}

/**
 * A connection to a target that was just asked for. None of the sockets that were seen earlier can belong to this
 * connection.
 */
export interface Dialing {
  /** Call this when the server has made the connection, or has failed to. */
  done(): void;
  /** The addresses of the connection; undefined when they are not certain. */
  locate(): Promise<Located | undefined>;
}

const unlocated: Dialing = { done() {}, locate: async () => undefined };

export class Locator {
  readonly #gate: Gate;
  readonly #timeoutMs: number;
  /**
   * The keys of known sockets. The value is the number of the answer that first showed the socket, or 0 when the
   * socket's owner is known.
   */
  readonly #seen = new Map<string, number>();
  #answers = 0;
  /** How many connections to each port are being dialed or asked about. */
  readonly #underWay = new Map<number, number>();
  readonly #asked = new Set<Promise<unknown>>();
  /**
   * True once an answer has shown which sockets belong to our sshd process. From then on, sockets of other processes
   * are never taken for ours.
   */
  #seesOwn = false;
  #shell: Promise<Shell | undefined> | undefined;

  constructor(gate: Gate, timeoutMs = answerTimeoutMs) {
    this.#gate = gate;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Starts the command on the server before the first flow. The sockets that exist already belong to other programs
   * that use the same targets, so they are marked as known.
   */
  async start(ports: readonly number[]): Promise<void> {
    this.#shell ??= startShell(this.#gate, this.#timeoutMs);
    const shell = await this.#shell;
    if (shell === undefined) return;
    for (const port of new Set(ports)) {
      const lines = (await shell.ask(askPort(port))) ?? [];
      for (const row of readSocketTable(lines).rows) this.#see(row, 0);
    }
  }

  /** Call this before the channel is asked for. */
  dialing(target: Address): Dialing {
    const since = this.#answers;
    if (isUnix(target) || this.#shell === undefined) return unlocated;
    this.#count(target.port, 1);
    return {
      done: () => this.#count(target.port, -1),
      locate: () => this.#locate(target, since),
    };
  }

  /** Resolves when no question waits for an answer. One answer takes a second at most. */
  async idle(): Promise<void> {
    await Promise.all(this.#asked);
  }

  async #locate(target: TcpAddress, since: number): Promise<Located | undefined> {
    const shell = await this.#shell;
    if (shell === undefined) return undefined;
    const answer = shell.ask(askPort(target.port));
    this.#asked.add(answer);
    this.#count(target.port, 1);
    const lines = await answer;
    this.#asked.delete(answer);
    this.#count(target.port, -1);
    return lines === undefined ? undefined : this.#pick(lines, target, shell.uid, since);
  }

  #count(port: number, change: 1 | -1): void {
    const count = (this.#underWay.get(port) ?? 0) + change;
    if (count === 0) this.#underWay.delete(port);
    else this.#underWay.set(port, count);
  }

  #pick(lines: readonly string[], target: TcpAddress, uid: number, since: number): Located | undefined {
    const { rows, own } = readSocketTable(lines);
    this.#answers += 1;
    const fresh = rows.flatMap((row) => {
      const located = this.#firstSeen(row) > since ? towards(target, row) : undefined;
      return located === undefined ? [] : [{ row, located }];
    });
    for (const row of rows) this.#see(row, this.#firstSeen(row));
    // Only root may look into sshd's process. For another user, all sockets of that user are candidates. A connection
    // that is already over no longer shows its user.
    this.#seesOwn ||= rows.some((row) => own.has(row.inode));
    const tiers = [
      fresh.filter(({ row }) => own.has(row.inode)),
      fresh.filter(
        ({ row, located }) => row.established && !this.#seesOwn && row.uid === uid && located.from === row.local,
      ),
      fresh.filter(({ row }) => !row.established),
    ];
    // While other connections are under way, a live socket may be another connection's, and a socket that is over may
    // be ours.
    const isAlone = !this.#underWay.has(target.port);
    const best = (isAlone ? tiers.find((tier) => tier.length > 0) : tiers.flat()) ?? [];
    const only = best[0];
    // A target on the server itself shows both ends of a closing connection: two rows, one connection.
    if (only === undefined || new Set(best.map(({ row }) => pairOf(row))).size > 1) return undefined;
    this.#see(only.row, 0);
    return only.located;
  }

  /** The number of the answer that first showed the socket. For a new socket this is the current answer. */
  #firstSeen(row: SocketRow): number {
    return this.#seen.get(row.established ? keyOf(row) : pairOf(row)) ?? this.#answers;
  }

  /**
   * Remembers a socket. A socket that is seen again moves to the end of the list, so the list forgets the sockets that
   * were not seen for longest.
   */
  #see(row: SocketRow, firstSeen: number): void {
    for (const key of [keyOf(row), pairOf(row)]) {
      const earlier = this.#seen.get(key) ?? firstSeen;
      this.#seen.delete(key);
      this.#seen.set(key, Math.min(earlier, firstSeen));
    }
    for (const oldest of this.#seen.keys()) {
      if (this.#seen.size <= seenKept) break;
      this.#seen.delete(oldest);
    }
  }
}

/**
 * The row as a connection to the target; undefined when the row is about something else. When the connection is over,
 * the row may be the target's own end, with both addresses swapped.
 */
function towards(target: TcpAddress, { local, remote, established }: SocketRow): Located | undefined {
  const matches = ({ host, port }: TcpAddress) =>
    port === target.port && (isIP(target.host) === 0 || isSameAddress(host, target.host));
  if (matches(remote)) return { from: local, to: remote };
  return matches(local) && !established ? { from: remote, to: local } : undefined;
}

/** The inode distinguishes a new socket on a reused port from the old socket. */
function keyOf(row: SocketRow): string {
  return `${pairOf(row)} ${row.inode}`;
}

/** One key for a connection, equal for both of its ends. */
function pairOf({ local, remote }: SocketRow): string {
  return [formatAddress(local), formatAddress(remote)].sort().join(" ");
}

interface Shell {
  readonly uid: number;
  ask(question: string): Promise<readonly string[] | undefined>;
}

async function startShell(gate: Gate, timeoutMs: number): Promise<Shell | undefined> {
  const channel = await gate.start(socketTableCommand, timeoutMs);
  if (channel === undefined) return undefined;
  const answers = new LocatorAnswers(channel, timeoutMs);
  const greeting = await answers.next();
  const uid = greeting?.at(-1) ?? "";
  if (!/^\d{1,10}$/.test(uid)) {
    answers.giveUp();
    return undefined;
  }
  return { uid: Number(uid), ask: (question) => answers.ask(question) };
}

/**
 * The command's output, split into answers at each line that is a single dot. Answers are given out in the order of the
 * questions.
 */
class LocatorAnswers {
  readonly #waiting: ((lines: readonly string[] | undefined) => void)[] = [];
  readonly #channel: ClientChannel;
  readonly #timeoutMs: number;
  #lines: string[] = [];
  /** The beginning of a line whose end has not arrived. */
  #line = "";
  #bytes = 0;
  #over = false;

  constructor(channel: ClientChannel, timeoutMs: number) {
    this.#channel = channel;
    this.#timeoutMs = timeoutMs;
    channel.setEncoding("latin1");
    channel.on("data", (text: string) => this.#take(text));
    channel.on("close", () => this.giveUp());
    // Without a listener, an "error" event would end the whole program. The loss of this shell is not that serious.
    channel.on("error", () => this.giveUp());
    channel.stderr.resume();
  }

  ask(question: string): Promise<readonly string[] | undefined> {
    if (!this.#over) this.#channel.write(question);
    return this.next();
  }

  next(): Promise<readonly string[] | undefined> {
    if (this.#over) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.giveUp(), this.#timeoutMs);
      this.#waiting.push((lines) => {
        clearTimeout(timer);
        resolve(lines);
      });
    });
  }

  /** Closes the shell. After one missing answer, a late answer could be taken for the answer to the next question. */
  giveUp(): void {
    if (this.#over) return;
    this.#over = true;
    this.#lines = [];
    this.#line = "";
    this.#channel.close();
    for (const resolve of this.#waiting.splice(0)) resolve(undefined);
  }

  #take(text: string): void {
    // Closing takes a round trip, and a hostile server may send data for ever.
    if (this.#over) return;
    this.#bytes += text.length;
    if (this.#bytes > answerBytes) {
      this.giveUp();
      return;
    }
    const [end = "", ...beginnings] = text.split("\n");
    this.#line += end;
    for (const beginning of beginnings) {
      this.#endLine();
      this.#line = beginning;
    }
  }

  #endLine(): void {
    const line = this.#line.endsWith("\r") ? this.#line.slice(0, -1) : this.#line;
    if (line === ".") {
      const lines = this.#lines;
      this.#lines = [];
      this.#bytes = 0;
      this.#waiting.shift()?.(lines);
    } else if (line !== "") {
      this.#lines.push(line);
    }
  }
}
