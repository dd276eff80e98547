/**
 * Finds the true addresses of leg 3: asks the server for its sockets to the target's port just after the channel was
 * opened, and takes the one that was not there before. When that leaves a doubt the answer is "unknown", never a guess.
 */

import { isIP } from "node:net";
import type { ClientChannel } from "ssh2";
import { type Address, formatAddress, isUnix, type TcpAddress } from "../../codec/address.ts";
import { askPort, readSocketTable, type SocketRow, socketTableCommand } from "../../codec/capture/socket-table.ts";
import { ipBytes } from "../../codec/ip-bytes.ts";
import type { CommandGate } from "./command-gate.ts";

/** How long an answer may take: what waits for it (the capture) holds frames back meanwhile. */
const answerTimeoutMs = 1000;
/**
 * Sockets long gone are forgotten beyond this many, so that a port can be found again when it is reused. Two for each
 * socket, and more than one answer can hold: what is still there is never forgotten.
 */
const seenKept = 32_768;
/** The most that one answer may hold before the shell is given up. */
const answerBytes = 1024 * 1024;

type Gate = Pick<CommandGate, "start">;

export interface Located {
  readonly from: Address;
  readonly to: Address;
}

/** A connection to a target that was asked for: it cannot be any of the sockets that were seen before. */
export interface Dialing {
  /** The server has made the connection, or has not. */
  done(): void;
  /** The addresses of the connection; undefined when they cannot be told. */
  locate(): Promise<Located | undefined>;
}

const unlocated: Dialing = { done() {}, locate: async () => undefined };

export class Locator {
  readonly #gate: Gate;
  readonly #timeoutMs: number;
  /** Sockets, each with the number of the answer that showed it first; 0 when it is known whose it is. */
  readonly #seen = new Map<string, number>();
  #answers = 0;
  /** How many connections to each port are being dialed or asked about. */
  readonly #underWay = new Map<number, number>();
  readonly #asked = new Set<Promise<unknown>>();
  /** sshd's sockets were told apart once: those of others are never ours. (The process asked may be a login shell's.) */
  #seesOwn = false;
  #shell: Promise<Shell | undefined> | undefined;

  constructor(gate: Gate, timeoutMs = answerTimeoutMs) {
    this.#gate = gate;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Starts the command on the server ahead of the first flow, and marks the sockets that are there already: they are
   * other programs' connections to the same targets.
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

  /** Call it before the channel is asked for. */
  dialing(target: Address): Dialing {
    const since = this.#answers;
    if (isUnix(target) || this.#shell === undefined) return unlocated;
    this.#count(target.port, 1);
    return {
      done: () => this.#count(target.port, -1),
      locate: () => this.#locate(target, since),
    };
  }

  /** Resolves when nothing is being asked: an answer takes a second at most. */
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
    // Only root may look into sshd's process; another user must be content with all sockets of the same user. A
    // connection that is over already shows nobody's uid.
    this.#seesOwn ||= rows.some((row) => own.has(row.inode));
    const tiers = [
      fresh.filter(({ row }) => own.has(row.inode)),
      fresh.filter(
        ({ row, located }) => row.established && !this.#seesOwn && row.uid === uid && located.from === row.local,
      ),
      fresh.filter(({ row }) => !row.established),
    ];
    // While others are under way, the one that lives may be theirs and the one that is over ours.
    const isAlone = !this.#underWay.has(target.port);
    const best = (isAlone ? tiers.find((tier) => tier.length > 0) : tiers.flat()) ?? [];
    const only = best[0];
    // A target on the server itself shows both ends of a closing connection: two rows, one connection.
    if (only === undefined || new Set(best.map(({ row }) => pairOf(row))).size > 1) return undefined;
    this.#see(only.row, 0);
    return only.located;
  }

  /** The number of the answer that showed it first, which may be the one that is being read. */
  #firstSeen(row: SocketRow): number {
    return this.#seen.get(row.established ? keyOf(row) : pairOf(row)) ?? this.#answers;
  }

  /** What is seen again is kept for as long as what is new. */
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

/** The row as a connection to the target; the target's own end of it counts too, for that may be the one that is left. */
function towards(target: TcpAddress, { local, remote, established }: SocketRow): Located | undefined {
  const matches = ({ host, port }: TcpAddress) =>
    port === target.port && (isIP(target.host) === 0 || isSameAddress(host, target.host));
  if (matches(remote)) return { from: local, to: remote };
  return matches(local) && !established ? { from: remote, to: local } : undefined;
}

/** However it was written: `::1` and `0:0:0:0:0:0:0:1`, `10.0.0.1` and `::ffff:10.0.0.1`. */
function isSameAddress(one: string, other: string): boolean {
  return ipBytes(one)?.join() === ipBytes(other)?.join();
}

/** The inode tells a new socket on a reused port from the old one. */
function keyOf(row: SocketRow): string {
  return `${pairOf(row)} ${row.inode}`;
}

/** The same for both ends of one connection. */
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
  const answers = new Answers(channel, timeoutMs);
  const greeting = await answers.next();
  const uid = greeting?.at(-1) ?? "";
  if (!/^\d{1,10}$/.test(uid)) {
    answers.giveUp();
    return undefined;
  }
  return { uid: Number(uid), ask: (question) => answers.ask(question) };
}

/** The command's output, cut at the lone dots, handed out in the order of the questions. */
class Answers {
  readonly #waiting: ((lines: readonly string[] | undefined) => void)[] = [];
  readonly #channel: ClientChannel;
  readonly #timeoutMs: number;
  #lines: string[] = [];
  /** The beginning of a line whose end has not come yet. */
  #line = "";
  #bytes = 0;
  #over = false;

  constructor(channel: ClientChannel, timeoutMs: number) {
    this.#channel = channel;
    this.#timeoutMs = timeoutMs;
    channel.setEncoding("latin1");
    channel.on("data", (text: string) => this.#take(text));
    channel.on("close", () => this.giveUp());
    // Without a listener an error would end the program, and this shell is not worth that.
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

  /** After one answer that did not come, none that comes late may be taken for the next. */
  giveUp(): void {
    if (this.#over) return;
    this.#over = true;
    this.#lines = [];
    this.#line = "";
    this.#channel.close();
    for (const resolve of this.#waiting.splice(0)) resolve(undefined);
  }

  #take(text: string): void {
    // Closing takes a round trip, and a hostile server may go on for ever.
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
