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
    const outputs = takeOver(channel, carrier);
    this.stdout = outputs.stdout;
    this.stderr = outputs.stderr;
    const over = () =>
      carrier.goneBy ?? new PorthopError("cancelled", "the command reads no more", { hint: "it has ended" });
    this.#stdin = new StreamConn(channel, {
      reset: () => this.close(),
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
  readonly #consumed: (bytes: number) => void;
  readonly #unread: Chunk[] = [];
  #isOver = false;
  #reader: ((chunk: Chunk | undefined) => void) | undefined;

  constructor(consumed: (bytes: number) => void) {
    this.#consumed = consumed;
  }

  read(): Promise<Chunk | undefined> {
    const chunk = this.#unread.shift();
    if (chunk !== undefined) {
      this.#consumed(chunk.byteLength);
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
      if (chunk !== null) this.#consumed(chunk.byteLength);
      reader(chunk ?? undefined);
    } else if (chunk !== null) {
      this.#unread.push(chunk);
    }
  }
}

/** The window is opened again by this much. */
const stepBytes = 128 * 1024;

/**
 * ssh2 counts the two outputs of a command apart, though they share one window: with stdout stalled, every line on stderr
 * would open the window for more of stdout. So its buffers stay empty, and the window follows what was really read.
 */
function takeOver(channel: ClientChannel, carrier: ChannelCarrier) {
  const state = channel as unknown as ChannelState;
  let unopened = 0;
  const consumed = (bytes: number) => {
    unopened += bytes;
    if (unopened < stepBytes || carrier.goneBy !== undefined || state.outgoing.state === "closed") return;
    state.incoming.window += unopened;
    state._client._protocol.channelWindowAdjust(state.outgoing.id, unopened);
    unopened = 0;
  };
  const outputs = { stdout: new Output(consumed), stderr: new Output(consumed) };
  for (const [stream, output] of [
    [state, outputs.stdout],
    [channel.stderr as unknown as Pushed, outputs.stderr],
  ] as const) {
    const push = stream.push.bind(stream);
    stream.push = (chunk) => {
      output.take(chunk);
      // False says "no room": ssh2 opens no window then.
      return chunk === null ? push(chunk) : false;
    };
    stream._read = () => {};
  }
  channel.stderr.resume();
  return outputs;
}

/** ssh2 1.17.0, lib/Channel.js. */
interface Pushed {
  push(chunk: Uint8Array | null): boolean;
  _read(): void;
}

interface ChannelState extends Pushed {
  readonly incoming: { window: number };
  readonly outgoing: { readonly id: number; readonly state: string };
  readonly _client: {
    readonly _protocol: {
      channelWindowAdjust(id: number, bytes: number): void;
      windowChange(id: number, rows: number, columns: number, heightPixels: number, widthPixels: number): void;
    };
  };
}
