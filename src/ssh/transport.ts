/**
 * The TCP socket under a session, made fit for ssh2: watched byte for byte (leg 2 of every flow), corked, and with its
 * back-pressure told to those who write into channels.
 */
import type { Socket } from "node:net";
import type { PorthopError } from "../errors.ts";
import type { LiveLeg } from "../flow/leg.ts";

/** Above this many bytes waiting for the network, channel writers are held back: ssh2 itself only stops at the sum of all windows. */
const congestedBytes = 4 * 1024 * 1024;
/** What is gathered goes out at the latest when it is this much. */
const gatheredBytes = 128 * 1024;
/** Up to here one copy costs less than several writes. */
const copiedBytes = 16 * 1024;

/** Tells `leg` all that passes, from before ssh2's first byte. Call it before ssh2 gets the socket. */
export function watchTransport(socket: Socket, leg: LiveLeg, describeLoss: (error: unknown) => PorthopError): void {
  let failure: unknown;
  socket.on("data", (chunk) => leg.bytes("down", chunk));
  // A data listener sets the stream flowing: what sshd says before ssh2 listens must wait for it. ssh2 resumes.
  socket.pause();
  const ended = { up: false, down: false };
  socket.on("end", () => {
    // Under Bun a socket that we destroyed says that it has ended, too.
    if (socket.destroyed) return;
    ended.down = true;
    leg.ended("down");
    // An SSH connection has no half-close: without this the socket would stay, half open, and nobody would know.
    socket.end();
  });
  socket.on("error", (error) => {
    failure = error;
  });
  socket.on("close", () => {
    // Both halves ended in their turn: the connection is over and not broken.
    if (ended.down && ended.up) return;
    leg.aborted(failure === undefined ? "up" : "down", describeLoss(failure));
  });
  const write = gatheredWrite(socket);
  socket.write = ((data: Uint8Array) => {
    leg.bytes("up", data);
    return write(data);
  }) as typeof socket.write;
  const end = socket.end.bind(socket);
  socket.end = (() => {
    if (!ended.up) leg.ended("up");
    ended.up = true;
    write.flush();
    return end();
  }) as typeof socket.end;
}

/**
 * ssh2 writes each packet in up to three pieces, and without this each would be a system call and a TCP segment of its
 * own. All that is written in one turn of the event loop goes out together.
 */
function gatheredWrite(socket: Socket) {
  const write = socket.write.bind(socket) as (data: Uint8Array) => boolean;
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  const flush = () => {
    const [only] = pieces;
    if (only === undefined) return;
    const gathered = bytes <= copiedBytes && pieces.length > 1 ? [Buffer.concat(pieces, bytes)] : pieces;
    pieces = [];
    bytes = 0;
    if (socket.destroyed) return;
    socket.cork();
    for (const piece of gathered) write(piece);
    socket.uncork();
  };
  const gather = (data: Uint8Array): boolean => {
    if (pieces.length === 0) process.nextTick(flush);
    pieces.push(data);
    bytes += data.byteLength;
    if (bytes >= gatheredBytes) flush();
    return true;
  };
  return Object.assign(gather, { flush });
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
