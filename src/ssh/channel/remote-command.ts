/**
 * A command that runs on the server: its three streams apart, its end with exit code or signal.
 * The server may send as much as was read here and no more, over both outputs together: whoever stops reading one of them
 * stops the command, and never fills our memory.
 */
import type { ClientChannel } from "ssh2";
import type { TerminalSize } from "../../codec/session/terminal-size.ts";
import { PorthopError } from "../../errors.ts";
import type { Conn } from "../../flow/conn.ts";
import { StreamConn } from "../../io/stream-conn.ts";
import type { Chunk } from "../../plugin.ts";
import { type OutputTaker, takeOutputs } from "../ssh2/outputs.ts";
import { resizeTerminal } from "../ssh2/session-request.ts";
import type { ChannelCarrier } from "./channel-conn.ts";

export type CommandEnd =
  | { readonly how: "exit"; readonly code: number }
  /** `SIGTERM`, as the server calls it. */
  | { readonly how: "signal"; readonly signal: string }
  /** The channel was closed, and how the command ended was not said. */
  | { readonly how: "untold" }
  | { readonly how: "lost"; readonly reason: PorthopError };

/** What the command writes. */
export interface CommandOutput {
  /** The next bytes; undefined once there will be no more, be it that the session was lost. One read at a time. */
  read(): Promise<Chunk | undefined>;
}

export class RemoteCommand {
  readonly stdout: CommandOutput;
  readonly stderr: CommandOutput;
  /** Settles when the command is over; what it wrote may not be read yet. */
  readonly ended: Promise<CommandEnd>;
  readonly #channel: ClientChannel;
  readonly #carrier: ChannelCarrier;
  readonly #stdin: Conn;

  constructor(channel: ClientChannel, carrier: ChannelCarrier) {
    this.#channel = channel;
    this.#carrier = carrier;
    const stdout = new Output(() => opened());
    const stderr = new Output(() => opened());
    const opened = takeOutputs(channel, stdout, stderr);
    this.stdout = stdout;
    this.stderr = stderr;
    const over = () =>
      carrier.goneBy ?? new PorthopError("cancelled", "the command reads no more", { hint: "it has ended" });
    this.#stdin = new StreamConn(channel, {
      reset: () => this.close(),
      close(ended) {
        ended();
        channel.close();
      },
      endedBy: () => carrier.goneBy,
      translate: over,
      congestion: () => carrier.congestion(),
    });
    let end: CommandEnd = { how: "untold" };
    channel.on("exit", (code: number | null, signal?: string) => {
      end = code === null ? { how: "signal", signal: signal ?? "" } : { how: "exit", code };
    });
    this.ended = new Promise((resolve) => {
      channel.on("close", () => {
        const reason = carrier.goneBy;
        resolve(end.how === "untold" && reason !== undefined ? { how: "lost", reason } : end);
      });
    });
  }

  /** To its stdin: resolves when more may be written, rejects when the command reads no more. */
  write(chunk: Chunk): Promise<void> {
    return this.#stdin.write(chunk);
  }

  /** The end of its stdin; it may go on writing. */
  endInput(): Promise<void> {
    return this.#stdin.end();
  }

  resize(size: TerminalSize): void {
    if (this.#carrier.goneBy === undefined) resizeTerminal(this.#channel, size);
  }

  /** Hangs up: a command with a terminal gets SIGHUP, others find their streams closed. */
  close(): void {
    if (this.#carrier.goneBy === undefined) this.#channel.close();
  }

  /** The session is gone: whatever waits is told. */
  abort(reason: PorthopError): void {
    this.#stdin.abort(reason);
  }
}

class Output implements CommandOutput, OutputTaker {
  /** Bytes that wait to be read. */
  unreadBytes = 0;
  readonly #opened: () => void;
  readonly #unread: Chunk[] = [];
  #isOver = false;
  #reader: ((chunk: Chunk | undefined) => void) | undefined;

  constructor(opened: () => void) {
    this.#opened = opened;
  }

  read(): Promise<Chunk | undefined> {
    const chunk = this.#unread.shift();
    if (chunk !== undefined) {
      this.unreadBytes -= chunk.byteLength;
      this.#opened();
      return Promise.resolve(chunk);
    }
    if (this.#isOver) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#reader = resolve;
    });
  }

  take(chunk: Chunk | null): void {
    if (chunk === null) this.#isOver = true;
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader !== undefined) {
      reader(chunk ?? undefined);
    } else if (chunk !== null) {
      this.#unread.push(chunk);
      this.unreadBytes += chunk.byteLength;
    }
  }
}
