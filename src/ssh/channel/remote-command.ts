/**
 * A command that runs on the server: its three streams apart, its end with exit code or signal.
 * The server may send as much as was read here and no more, over both outputs together: whoever stops reading one of them
 * stops the command, and never fills our memory.
 */
import type { ClientChannel } from "ssh2";
import { PorthopError } from "../../errors.ts";
import type { Conn } from "../../flow/conn.ts";
import { StreamConn } from "../../io/stream-conn.ts";
import type { Chunk } from "../../plugin.ts";
import type { ChannelCarrier } from "./channel-conn.ts";
import { type ChannelStream, openWindow, type WindowedChannel } from "./window.ts";

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

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
    const outputs = takeOver(channel);
    this.stdout = outputs.stdout;
    this.stderr = outputs.stderr;
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

  resize({ rows, columns }: TerminalSize): void {
    const state = this.#channel as unknown as ChannelState;
    if (this.#carrier.goneBy !== undefined || state.outgoing.state !== "open") return;
    state._client._protocol.windowChange(state.outgoing.id, rows, columns, 0, 0);
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

class Output implements CommandOutput {
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

/**
 * stdout and stderr share one window, and stdin's conn listens to the same stream as stdout: what comes is taken from both
 * streams before they hold it, and the window follows what is read here.
 */
function takeOver(channel: ClientChannel) {
  const state = channel as unknown as ChannelState;
  const opened = () => openWindow(state);
  const outputs = { stdout: new Output(opened), stderr: new Output(opened) };
  for (const [stream, output] of [
    [state, outputs.stdout],
    [state.stderr, outputs.stderr],
  ] as const) {
    const push = stream.push.bind(stream) as (chunk: null) => boolean;
    stream.push = (chunk) => {
      output.take(chunk);
      return chunk === null ? push(chunk) : true;
    };
    Object.defineProperty(stream, "readableLength", { get: () => output.unreadBytes });
  }
  channel.stderr.resume();
  return outputs;
}

/** ssh2 1.17.0, lib/Channel.js. */
interface ChannelState extends WindowedChannel {
  push(chunk: Uint8Array | null): boolean;
  readonly stderr: ChannelStream & { push(chunk: Uint8Array | null): boolean };
  readonly _client: {
    readonly _protocol: WindowedChannel["_client"]["_protocol"] & {
      windowChange(id: number, rows: number, columns: number, heightPixels: number, widthPixels: number): void;
    };
  };
}
