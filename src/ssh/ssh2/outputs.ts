/**
 * The two outputs of a command, taken from its channel before its streams hold them. They share one window, and stdin's conn
 * listens to the same stream as stdout, so the window follows what is read where they went.
 */
import type { ClientChannel } from "ssh2";
import type { Chunk } from "../../plugin.ts";
import { viewOfChannel } from "./view-check.ts";
import { openWindow } from "./window.ts";

export interface OutputTaker {
  /** Bytes that wait to be read. */
  readonly unreadBytes: number;
  /** The next bytes; null at the end, and once more when the channel is closed. */
  take(chunk: Chunk | null): void;
}

/** Gives what is to be called whenever some of it was read. */
export function takeOutputs(channel: ClientChannel, stdout: OutputTaker, stderr: OutputTaker): () => void {
  const view = viewOfChannel(channel);
  for (const [stream, taker] of [
    [view, stdout],
    [view.stderr, stderr],
  ] as const) {
    const push = stream.push.bind(stream);
    stream.push = (chunk) => {
      taker.take(chunk);
      // The end alone is the stream's own.
      return chunk === null ? push(chunk) : true;
    };
    Object.defineProperty(stream, "readableLength", { get: () => taker.unreadBytes });
  }
  channel.stderr.resume();
  return () => openWindow(view);
}
