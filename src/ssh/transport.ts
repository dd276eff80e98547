/**
 * The TCP socket under a session, made fit for ssh2: watched byte for byte (leg 2 of every flow), corked, and with its
 * back-pressure told to those who write into channels.
 */
import type { Socket } from "node:net";
import type { PorthopError } from "../errors.ts";
import type { LiveLeg } from "../flow/leg.ts";

/** Above this many bytes waiting for the network, channel writers are held back: ssh2 itself only stops at the sum of all windows. */
const congestedBytes = 4 * 1024 * 1024;

/** Tells `leg` all that passes, from before ssh2's first byte. Call it before ssh2 gets the socket. */
export function watchTransport(socket: Socket, leg: LiveLeg, describeLoss: (error: unknown) => PorthopError): void {
  let failure: unknown;
  socket.on("data", (chunk) => leg.bytes("down", chunk));
  // A data listener sets the stream flowing: what sshd says before ssh2 listens must wait for it. ssh2 resumes.
  socket.pause();
  const ended = { up: false, down: false };
  socket.on("end", () => {
    ended.down = true;
    leg.ended("down");
  });
  socket.on("error", (error) => {
    failure = error;
  });
  socket.on("close", () => {
    // Both halves ended in their turn: the connection is over and not broken.
    if (ended.down && ended.up) return;
    leg.aborted(failure === undefined ? "up" : "down", describeLoss(failure));
  });
  const write = socket.write.bind(socket) as (data: Uint8Array) => boolean;
  let corked = false;
  // ssh2 writes each packet in up to three pieces: without the cork each would be a system call and a TCP segment of
  // its own (118k -> 353k small packets a second on Bun).
  socket.write = ((data: Uint8Array) => {
    leg.bytes("up", data);
    if (!corked) {
      corked = true;
      socket.cork();
      process.nextTick(() => {
        corked = false;
        socket.uncork();
      });
    }
    return write(data);
  }) as typeof socket.write;
  const end = socket.end.bind(socket);
  socket.end = ((...rest: Parameters<typeof end>) => {
    ended.up = true;
    leg.ended("up");
    return end(...rest);
  }) as typeof socket.end;
}

/** Says whether the network is behind, and when it has caught up. */
export function congestionOf(socket: Socket): () => Promise<void> | undefined {
  let waiting: Promise<void> | undefined;
  return () => {
    if (socket.writableLength < congestedBytes || socket.destroyed) return undefined;
    waiting ??= new Promise((resolve) => {
      const release = () => {
        socket.removeListener("drain", release);
        socket.removeListener("close", release);
        waiting = undefined;
        resolve();
      };
      socket.on("drain", release);
      socket.on("close", release);
    });
    return waiting;
  };
}
