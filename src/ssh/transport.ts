/**
 * The stream under a session (a TCP socket, a channel of another session, a ProxyCommand), prepared for ssh2: every
 * byte is watched (leg 2 of every flow), small writes are gathered, and writers into channels learn of its
 * back-pressure.
 */
import type { Duplex } from "node:stream";
import type { Address } from "../codec/address.ts";
import type { PorthopError } from "../errors.ts";
import type { LiveLeg } from "../flow/leg.ts";

/** What a session was waiting for when its stream ended. The session step is over only when the session is. */
export type SessionStep = "greeting" | "login" | "session";

export interface Transport {
  readonly stream: Duplex;
  /** The number of the session that the stream carries, from 1. It is 1 unless there are jump hosts. */
  readonly hop: number;
  /** The address that dialed. Undefined when a jump host or a program dialed. */
  readonly local: Address | undefined;
  /** The address that was dialed. Undefined when only a program knows it. */
  readonly remote: Address | undefined;
  /** True when both addresses were seen on a socket of ours. */
  readonly observed: boolean;
  /**
   * The reason why the stream is gone, when the layer under the stream knows a better one. `said` is what came in place
   * of a greeting.
   */
  goneBy(step: SessionStep, said?: string): PorthopError | undefined;
  /** Waits a limited time until nothing is left of what is under the stream. */
  release(): Promise<void>;
}

/** Outgoing bytes, counted from the beginning. */
export interface Outgoing {
  /** All bytes that the stream was given. */
  readonly given: number;
  /** The bytes that the system, or the session under this one, has taken. */
  readonly sent: number;
}

export interface HeardOutgoing extends Outgoing {
  /** Hears each time that bytes go out together. Any number of listeners. */
  onGiven(told: () => void): void;
  /** Hears each time that the system, or the session under this one, has taken bytes. Any number of listeners. */
  onSent(told: () => void): void;
}

/** At this many bytes the gathered writes go out at once. */
const gatheredBytes = 128 * 1024;
/** Up to this many bytes, one copy costs less than several writes. */
const copiedBytes = 16 * 1024;

/** How long our last bytes may take after the server has ended. */
const farewellMs = 1000;

/** Reports all that passes to `leg`, from before ssh2's first byte. Call this before ssh2 gets the stream. */
export function watchTransport(
  stream: Duplex,
  leg: LiveLeg,
  describeLoss: (error: unknown) => PorthopError,
): HeardOutgoing {
  let failure: unknown;
  stream.on("data", (chunk) => leg.bytes("down", chunk));
  // A data listener makes the stream flow. The server's bytes must wait until ssh2 listens, and ssh2 then resumes the
  // stream.
  stream.pause();
  const ended = { up: false, down: false };
  stream.on("end", () => {
    // Under Bun, a socket that we destroyed emits "end" too.
    if (stream.destroyed) return;
    ended.down = true;
    leg.ended("down");
    // An SSH connection has no half-close. Without an end from us the stream would stay half open, and nobody would
    // know. A server that has ended may not read our last bytes, so the wait is limited.
    leave(stream);
  });
  stream.on("error", (error) => {
    failure = error;
  });
  stream.on("close", () => {
    // Both halves have ended: the connection is over and not broken.
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
    write.finish();
    return end();
  }) as typeof stream.end;
  return write.outgoing;
}

/** Ends the stream for good, also when the other end does not. Our last bytes have a limited time. */
export function leave(stream: Duplex): void {
  stream.end();
  setTimeout(() => stream.destroy(), farewellMs).unref();
}

/**
 * ssh2 writes each packet in up to three pieces. Each piece would be a system call and a TCP segment of its own. Here
 * all pieces of one turn of the event loop go out together.
 */
function gatheredWrite(stream: Duplex) {
  const write = stream.write.bind(stream) as (data: Uint8Array, done?: () => void) => boolean;
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  let given = 0;
  const givenListeners: (() => void)[] = [];
  const sentListeners: (() => void)[] = [];
  const flush = () => {
    if (pieces.length === 0) return;
    for (const told of givenListeners) told();
    handOver();
  };
  const sent = () => {
    handOver();
    for (const told of sentListeners) told();
  };
  // A stream that is behind takes all that it was given as one write, and would tell nothing until all of it is gone.
  const handOver = () => {
    while (pieces.length > 0 && stream.writableLength === 0) handOverBatch(gatheredBytes);
  };
  const handOverBatch = (mostBytes: number) => {
    const batch = takeBatch(pieces, mostBytes);
    const batchBytes = batch.reduce((sum, { byteLength }) => sum + byteLength, 0);
    bytes -= batchBytes;
    const gathered = batchBytes <= copiedBytes && batch.length > 1 ? [Buffer.concat(batch, batchBytes)] : batch;
    if (stream.destroyed) return;
    stream.cork();
    for (const [index, piece] of gathered.entries()) {
      if (index === gathered.length - 1) write(piece, sent);
      else write(piece);
    }
    stream.uncork();
  };
  const finish = () => {
    if (pieces.length === 0) return;
    for (const told of givenListeners) told();
    handOverBatch(Number.POSITIVE_INFINITY);
  };
  const gather = (data: Uint8Array): boolean => {
    if (pieces.length === 0) process.nextTick(flush);
    pieces.push(data);
    bytes += data.byteLength;
    given += data.byteLength;
    if (bytes >= gatheredBytes) flush();
    return true;
  };
  const outgoing: HeardOutgoing = {
    get given() {
      return given;
    },
    get sent() {
      return given - bytes - stream.writableLength;
    },
    onGiven: (told) => void givenListeners.push(told),
    onSent: (told) => void sentListeners.push(told),
  };
  return Object.assign(gather, { finish, outgoing });
}

/** Takes the first pieces away: as many as make up these bytes, and one at least. */
function takeBatch(pieces: Uint8Array[], mostBytes: number): Uint8Array[] {
  let [count, bytes] = [0, 0];
  while (count < pieces.length && bytes < mostBytes) bytes += pieces[count++]?.byteLength ?? 0;
  return pieces.splice(0, count);
}

/** Its signal fires when the stream is closed, or earlier by its `abort`. */
export function endOf(stream: Duplex): AbortController {
  const over = new AbortController();
  const end = () => over.abort(new Error("the connection is over"));
  if (stream.closed) end();
  else stream.once("close", end);
  return over;
}
