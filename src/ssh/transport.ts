/**
 * The stream under a session (a TCP socket, a channel of the session before, a ProxyCommand), made fit for ssh2: watched
 * byte for byte (leg 2 of every flow), corked, and with its back-pressure told to those who write into channels.
 */
import type { Duplex } from "node:stream";
import type { Address } from "../codec/address.ts";
import type { PorthopError } from "../errors.ts";
import type { LiveLeg } from "../flow/leg.ts";

export interface Transport {
  readonly stream: Duplex;
  /** Which session it carries, counted from here: 1 unless there are jump hosts. */
  readonly hop: number;
  /** Who dialed; undefined where that was a jump host or a program. */
  readonly local: Address | undefined;
  /** Where it leads. Undefined where only a program knows that. */
  readonly remote: Address | undefined;
  /** Both addresses were seen on a socket of ours. */
  readonly observed: boolean;
  /** Once it is gone: the reason, where something under the stream knows it better. `wasReady`: a session stood. */
  goneBy(wasReady: boolean): PorthopError | undefined;
  /** Waits, for a bounded time, until nothing is left of what is under the stream. */
  release(): Promise<void>;
}

/** What goes out, in bytes since the beginning. */
export interface Outgoing {
  /** All that the stream was given. */
  readonly given: number;
  /** What the system, or the session under this one, has taken of it. */
  readonly sent: number;
}

/** Above this many bytes waiting for the network, channel writers are held back: ssh2 itself only stops at the sum of all windows. */
const congestedBytes = 4 * 1024 * 1024;
/** What is gathered goes out at the latest when it is this much. */
const gatheredBytes = 128 * 1024;
/** Up to here one copy costs less than several writes. */
const copiedBytes = 16 * 1024;

/** How long what we have to say may take after the server has ended. */
const farewellMs = 1000;

/** Tells `leg` all that passes, from before ssh2's first byte. Call it before ssh2 gets the stream. */
export function watchTransport(stream: Duplex, leg: LiveLeg, describeLoss: (error: unknown) => PorthopError): Outgoing {
  let failure: unknown;
  stream.on("data", (chunk) => leg.bytes("down", chunk));
  // A data listener sets the stream flowing: what sshd says before ssh2 listens must wait for it. ssh2 resumes.
  stream.pause();
  const ended = { up: false, down: false };
  stream.on("end", () => {
    // Under Bun a socket that we destroyed says that it has ended, too.
    if (stream.destroyed) return;
    ended.down = true;
    leg.ended("down");
    // An SSH connection has no half-close: without this the stream would stay, half open, and nobody would know. Nor is it
    // waited for what a server that has ended does not read.
    stream.end();
    setTimeout(() => stream.destroy(), farewellMs).unref();
  });
  stream.on("error", (error) => {
    failure = error;
  });
  stream.on("close", () => {
    // Both halves ended in their turn: the connection is over and not broken.
    if (ended.down && ended.up) return;
    leg.aborted(failure === undefined ? "up" : "down", describeLoss(failure));
  });
  const write = gatheredWrite(stream);
  stream.write = ((data: Uint8Array) => {
    leg.bytes("up", data);
    return write(data);
  }) as typeof stream.write;
  const end = stream.end.bind(stream);
  stream.end = (() => {
    if (!ended.up) leg.ended("up");
    ended.up = true;
    write.flush();
    return end();
  }) as typeof stream.end;
  return write.outgoing;
}

/**
 * ssh2 writes each packet in up to three pieces, and without this each would be a system call and a TCP segment of its
 * own. All that is written in one turn of the event loop goes out together.
 */
function gatheredWrite(stream: Duplex) {
  const write = stream.write.bind(stream) as (data: Uint8Array) => boolean;
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  let given = 0;
  const flush = () => {
    const [only] = pieces;
    if (only === undefined) return;
    const gathered = bytes <= copiedBytes && pieces.length > 1 ? [Buffer.concat(pieces, bytes)] : pieces;
    pieces = [];
    bytes = 0;
    if (stream.destroyed) return;
    stream.cork();
    for (const piece of gathered) write(piece);
    stream.uncork();
  };
  const gather = (data: Uint8Array): boolean => {
    if (pieces.length === 0) process.nextTick(flush);
    pieces.push(data);
    bytes += data.byteLength;
    given += data.byteLength;
    if (bytes >= gatheredBytes) flush();
    return true;
  };
  const outgoing: Outgoing = {
    get given() {
      return given;
    },
    get sent() {
      return given - bytes - stream.writableLength;
    },
  };
  return Object.assign(gather, { flush, outgoing });
}

/** Says whether the network is behind, and when it has caught up. */
export function congestionOf(stream: Duplex): () => Promise<void> | undefined {
  let waiting: Promise<void> | undefined;
  return () => {
    if (stream.writableLength < congestedBytes || stream.destroyed) return undefined;
    waiting ??= new Promise((resolve) => {
      const release = () => {
        stream.removeListener("drain", release);
        stream.removeListener("close", release);
        waiting = undefined;
        resolve();
      };
      stream.on("drain", release);
      stream.on("close", release);
    });
    return waiting;
  };
}
