/**
 * A command that runs on the server, with three separate streams and an end by exit code or by signal. The server may
 * send only as much as was read here, counted over both outputs together. When either output is not read, the command
 * waits and our memory does not fill.
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
  /** The name as the server sends it: `SIGTERM`. */
  | { readonly how: "signal"; readonly signal: string }
  /** The channel was closed, and the server did not say how the command ended. */
  | { readonly how: "untold" }
  | { readonly how: "lost"; readonly reason: PorthopError };

/** One output of the command: stdout or stderr. */
export interface CommandOutput {
  /**
   * The next bytes. Undefined when no more bytes will come, also after the loss of the session. Only one read at a
   * time.
   */
  read(): Promise<Chunk | undefined>;
}

export class RemoteCommand {
  readonly stdout: CommandOutput;
  readonly stderr: CommandOutput;
  /** Resolves when the command is over. Some of the command's output may still be unread then. */
  readonly ended: Promise<CommandEnd>;
  readonly #channel: ClientChannel;
  readonly #carrier: ChannelCarrier;
  readonly #stdin: Conn;

  constructor(channel: ClientChannel, carrier: ChannelCarrier) {
    this.#channel = channel;
    this.#carrier = carrier;
    const stdout = new HeldOutput(() => opened());
    const stderr = new HeldOutput(() => opened());
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

  /** Writes to the command's stdin. Resolves when more may be written; rejects when the command reads no more. */
  write(chunk: Chunk): Promise<void> {
    return this.#stdin.write(chunk);
  }

  /** Ends the command's stdin. The command may go on writing. */
  endInput(): Promise<void> {
    return this.#stdin.end();
  }

  resize(size: TerminalSize): void {
    if (this.#carrier.goneBy === undefined) resizeTerminal(this.#channel, size);
  }

  /** Hangs up. A command with a terminal gets SIGHUP; other commands find their streams closed. */
  close(): void {
    if (this.#carrier.goneBy === undefined) this.#channel.close();
  }

  /** For the loss of the session: a pending write to stdin rejects with `reason`. */
  abort(reason: PorthopError): void {
    this.#stdin.abort(reason);
  }
}

class HeldOutput implements CommandOutput, OutputTaker {
  /** Bytes that have arrived and are not read yet. */
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
