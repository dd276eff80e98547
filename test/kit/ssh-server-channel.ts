/** The target's side of the in-process ssh server: dials, and carries bytes with both half-closes. */
import { createConnection, type Socket } from "node:net";
import type { ServerChannel } from "ssh2";

/** Rejects with the system's own error. */
export function dial(to: { readonly host: string; readonly port: number }): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ ...to, allowHalfOpen: true, noDelay: true });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.removeListener("error", reject);
      resolve(socket);
    });
  });
}

export interface CarryOptions {
  /** After this many bytes down, the channel is closed in the middle without an EOF. */
  readonly cutAfterBytes?: number;
  /**
   * When the socket has ended and all bytes were sent, the channel is closed without an EOF and without waiting for the
   * other half. Servers made with golang.org/x/crypto/ssh that copy in two goroutines do this.
   */
  readonly closesWithoutEof?: boolean;
}

/** Carries bytes between the two until both halves have ended. */
export function carry(channel: ServerChannel, socket: Socket, options: CarryOptions = {}): void {
  const { cutAfterBytes = Number.POSITIVE_INFINITY, closesWithoutEof = false } = options;
  let left = cutAfterBytes;
  let ended = 0;
  const half = () => {
    ended++;
    if (ended === 2) channel.close();
  };
  channel.on("data", (chunk: Uint8Array) => {
    if (!socket.write(chunk)) channel.pause();
  });
  socket.on("drain", () => channel.resume());
  channel.on("end", () => {
    socket.end();
    half();
  });
  socket.on("data", (chunk: Uint8Array) => {
    left -= chunk.length;
    if (!channel.write(left < 0 ? chunk.subarray(0, left) : chunk)) socket.pause();
    if (left <= 0) channel.close();
  });
  channel.on("drain", () => socket.resume());
  // end() would close the whole channel, because ssh2's server side does not keep the other half (Channel.js,
  // onFinish). So the EOF is sent here, after all written bytes.
  socket.on("end", () => {
    channel.write(new Uint8Array(0), () => {
      if (closesWithoutEof) return channel.close();
      channel.eof();
      half();
    });
  });
  socket.on("error", () => channel.close());
  channel.on("error", () => socket.resetAndDestroy());
  channel.on("close", () => {
    if (closesWithoutEof) socket.destroySoon();
    else if (ended < 2) socket.resetAndDestroy();
  });
}
