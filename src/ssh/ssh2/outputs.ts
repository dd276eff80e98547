/**
 * Takes the two outputs of a command from their channel before ssh2's streams keep them. Both outputs share one window.
 * The stdin's conn listens to the stdout stream too, so the window must follow what the takers' readers read, and not
 * what the streams read.
 */
import type { ClientChannel } from "ssh2";
import type { Chunk } from "../../plugin.ts";
import { viewOfChannel } from "./view-check.ts";
import { openWindow } from "./window.ts";

export interface OutputTaker {
  /** Bytes that have arrived and are not read yet. */
  readonly unreadBytes: number;
  /** Takes the next bytes. Null means the end, and comes once more when the channel is closed. */
  take(chunk: Chunk | null): void;
}

/** Returns a function that must be called after each read, so that the window opens again. */
export function takeOutputs(channel: ClientChannel, stdout: OutputTaker, stderr: OutputTaker): () => void {
  const view = viewOfChannel(channel);
  for (const [stream, taker] of [
    [view, stdout],
    [view.stderr, stderr],
  ] as const) {
    const push = stream.push.bind(stream);
    stream.push = (chunk) => {
      taker.take(chunk);
      // The stream itself sees only the end.
      return chunk === null ? push(chunk) : true;
    };
    Object.defineProperty(stream, "readableLength", { get: () => taker.unreadBytes });
  }
  channel.stderr.resume();
  return () => openWindow(view);
}
