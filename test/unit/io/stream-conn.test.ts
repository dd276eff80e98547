import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { test } from "node:test";
import fc from "fast-check";
import { PorthopError } from "../../../src/errors.ts";
import { socketConn } from "../../../src/io/socket-conn.ts";
import { StreamConn, type StreamTraits } from "../../../src/io/stream-conn.ts";
import { broken, quiet, stateOf } from "../../kit/carried-flow.ts";
import { readAll, writeAll } from "../../kit/memory-conn.ts";
import { randomBytes, randomChunks } from "../../kit/random.ts";

const readAheadBytes = 256 * 1024;
const writeAheadBytes = 256 * 1024;

test("What the stream brings is read as the same chunks in their order, and then its end, as often as it is asked.", async () => {
  const { stream, conn } = held();
  const chunks = [randomBytes(10), randomBytes(70_000), randomBytes(1)];
  for (const chunk of chunks) stream.push(chunk);
  stream.push(null);
  for (const chunk of chunks) assert.equal(await conn.read(), chunk);
  assert.equal(await conn.read(), undefined);
  assert.equal(await conn.read(), undefined);
});

test("Any chunks, pushed at any time, arrive whole.", async () => {
  const sizes = fc.array(fc.tuple(fc.integer({ min: 1, max: 200_000 }), fc.boolean()), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(sizes, async (pushes) => {
      const { stream, conn } = held();
      const chunks = pushes.map(([bytes], seed) => randomBytes(bytes, seed));
      const reading = readAll(conn);
      for (const [index, chunk] of chunks.entries()) {
        stream.push(chunk);
        if (pushes[index]?.[1]) await quiet();
      }
      stream.push(null);
      assert.deepEqual(Buffer.from(await reading), Buffer.concat(chunks));
    }),
    { numRuns: 30 },
  );
});

test("What is read ahead of the reader is bounded, before the first read and after it, and goes on when it was read.", async () => {
  const chunkBytes = 32 * 1024;
  let pulledBytes = 0;
  const total = 8 * 1024 * 1024;
  const stream = new HeldStream(() => {
    if (pulledBytes === total) stream.push(null);
    else {
      pulledBytes += chunkBytes;
      stream.push(randomBytes(chunkBytes, pulledBytes));
    }
  });
  const conn = new StreamConn(stream, traitsOf(stream));
  const boundBytes = readAheadBytes + stream.readableHighWaterMark + chunkBytes;
  await quiet();
  await quiet();
  assert.ok(pulledBytes <= boundBytes, `${pulledBytes} bytes were taken, and none was read`);
  let readBytes = 0;
  for (let chunk = await conn.read(); chunk !== undefined; chunk = await conn.read()) {
    readBytes += chunk.length;
    assert.ok(pulledBytes - readBytes <= boundBytes, `${pulledBytes - readBytes} bytes wait for the reader`);
  }
  assert.equal(readBytes, total);
});

test("A conn that may wait takes no more than it is asked for until it is joined, and then reads ahead.", async () => {
  const stream = new HeldStream();
  const conn = new StreamConn(stream, { ...traitsOf(stream), mayWait: true });
  const chunks = Array.from({ length: 10 }, (_, index) => randomBytes(10 * 1024, index));
  for (const chunk of chunks) stream.push(chunk);
  await quiet();
  assert.equal(stream.readableLength, 100 * 1024);
  for (const chunk of chunks.slice(0, 2)) assert.equal(await conn.read(), chunk);
  await quiet();
  assert.equal(stream.readableLength, 80 * 1024, "a handshake has read its words");
  conn.joined();
  assert.equal(await conn.read(), chunks[2]);
  await quiet();
  assert.equal(stream.readableLength, 0);
  stream.push(null);
  assert.deepEqual(Buffer.from(await readAll(conn)), Buffer.concat(chunks.slice(3)));
});

test("A conn that may wait tells of a break though nobody reads it, and of no end.", async () => {
  const stream = new HeldStream();
  const conn = new StreamConn(stream, { ...traitsOf(stream), mayWait: true });
  const told: string[] = [];
  conn.onBroken((reason) => void told.push(reason.message));
  stream.push(randomBytes(10));
  stream.push(null);
  await quiet();
  assert.deepEqual(told, []);
  stream.destroy(new Error("reset"));
  await closed(stream);
  assert.deepEqual(told, ["the connection with the peer broke: reset"]);
});

test("Writes are accepted while little waits in the stream, and then wait until it has taken them, in their order.", async () => {
  const { stream, conn } = held();
  const chunk = randomBytes(64 * 1024);
  const order: number[] = [];
  let acceptedBytes = 0;
  const writes = Array.from({ length: 40 }, (_, index) =>
    conn.write(chunk).then(() => {
      order.push(index);
      acceptedBytes += chunk.length;
    }),
  );
  await quiet();
  assert.ok(acceptedBytes <= writeAheadBytes, `${acceptedBytes} bytes were accepted though nothing was taken`);
  assert.ok(acceptedBytes > 0);
  while (stream.takeWrite()) await quiet();
  await Promise.all(writes);
  assert.deepEqual(
    order,
    [...order].toSorted((one, other) => one - other),
  );
  assert.equal(stream.taken.length, 40);
});

test("A write that the stream fails rejects, and is never taken for an accepted one.", async () => {
  const { stream, conn } = held();
  const waiting = [conn.write(randomBytes(writeAheadBytes, 1)), conn.write(randomBytes(writeAheadBytes, 2))];
  const rejected = waiting.map((write) => assert.rejects(write, /the connection with the peer broke: EPIPE/));
  await quiet();
  stream.takeWrite(new Error("EPIPE"));
  await Promise.all(rejected);
  await assert.rejects(conn.read(), /EPIPE/);
});

test("A write never waits for a peer that is gone: the close of a stream that does not call back rejects it.", async () => {
  const { stream, conn } = held();
  const waiting = assert.rejects(
    conn.write(randomBytes(writeAheadBytes)),
    /the connection with the peer broke: closed/,
  );
  await quiet();
  stream.destroy();
  await waiting;
  await assert.rejects(conn.write(randomBytes(1)), /closed/);
  await assert.rejects(conn.end(), /closed/);
});

test("An abort while a write, an end or a read waits rejects it with the reason, and resets the carrier once.", async () => {
  const { stream, conn, resets } = held();
  const waiting = [conn.write(randomBytes(writeAheadBytes)), conn.end(), conn.read()];
  const reason = broken(3);
  const rejected = waiting.map((operation) => assert.rejects(operation, reason));
  await quiet();
  conn.abort(reason);
  conn.abort(broken(1));
  await Promise.all(rejected);
  assert.equal(resets.length, 1);
  await assert.rejects(conn.read(), reason);
  await assert.rejects(conn.write(randomBytes(1)), reason);
  await assert.rejects(conn.end(), reason);
  assert.ok(stream.destroyed);
});

test("end() waits for what was written.", async () => {
  const { stream, conn } = held();
  await conn.write(randomBytes(10, 1));
  await conn.write(randomBytes(10, 2));
  const ended = conn.end();
  assert.equal(await stateOf(ended), "pending");
  stream.takeWrite();
  assert.equal(await stateOf(ended), "pending");
  stream.takeWrite();
  await ended;
  assert.deepEqual([stream.taken.length, stream.finished], [2, true]);
  await conn.end();
});

test("Half-close: after our end the peer may go on, and after the peer's end we may.", async () => {
  const { stream, conn } = held();
  await conn.end();
  stream.push(randomBytes(5));
  assert.equal((await conn.read())?.length, 5);
  stream.push(null);
  assert.equal(await conn.read(), undefined);

  const other = held();
  other.stream.push(null);
  assert.equal(await other.conn.read(), undefined);
  await other.conn.write(randomBytes(7));
  other.stream.takeWrite();
  await other.conn.end();
  assert.deepEqual([other.stream.taken.length, other.stream.finished], [1, true]);
});

test("An error of the stream is a break of both halves, and what was not read by then is lost with it.", async () => {
  const { stream, conn } = held();
  stream.push(randomBytes(10, 1));
  stream.push(randomBytes(10, 2));
  await conn.read();
  stream.destroy(new Error("ECONNRESET"));
  await closed(stream);
  const message = /the connection with the peer broke: ECONNRESET/;
  await assert.rejects(conn.read(), message);
  await assert.rejects(conn.write(randomBytes(1)), message);
});

test("A close without an end is a break and never a clean end.", async () => {
  const { stream, conn } = held();
  const reading = assert.rejects(conn.read(), /the connection with the peer broke: closed/);
  stream.destroy();
  await reading;
});

test("An end or a close that the carrier knows to be a break is one.", async () => {
  for (const how of ["end", "close"] as const) {
    const lost = new PorthopError("ssh.lost", "the session with vishnu was lost", { leg: 2 });
    const { stream, conn } = held({ endedBy: () => lost });
    const reading = assert.rejects(conn.read(), lost);
    if (how === "end") stream.push(null);
    else stream.destroy();
    await reading;
    await assert.rejects(conn.write(randomBytes(1)), lost);
  }
});

test("A peer that ended and then went away is an end to the reader, and a break to whoever still writes.", async () => {
  const { stream, conn } = held();
  let told = 0;
  conn.onBroken(() => {
    told += 1;
  });
  stream.push(randomBytes(9));
  stream.push(null);
  assert.equal((await conn.read())?.length, 9);
  const writes = [1, 2].map((seed) => conn.write(randomBytes(writeAheadBytes, seed)));
  const waiting = writes.map((write) => assert.rejects(write, /broke: closed/));
  await quiet();
  stream.destroy();
  await Promise.all(waiting);
  assert.equal(await conn.read(), undefined);
  await assert.rejects(conn.write(randomBytes(1)), /broke: closed/);
  await assert.rejects(conn.end(), /broke: closed/, "some of what was written is lost");
  assert.equal(told, 0, "all that it sent has arrived");
});

test("What carries the connection may be lost after the peer's end: a break while our half is open, and none after it.", async () => {
  for (const weEnded of [false, true]) {
    const lost = new PorthopError("ssh.lost", "the session with vishnu was lost", { leg: 2 });
    let gone: PorthopError | undefined;
    const { stream, conn } = held({ endedBy: () => gone });
    const told: PorthopError[] = [];
    conn.onBroken((reason) => void told.push(reason));
    stream.push(null);
    assert.equal(await conn.read(), undefined);
    gone = lost;
    // A stream whose halves have both ended closes by itself.
    const close = closed(stream);
    if (weEnded) await conn.end();
    else stream.destroy();
    await close;
    assert.deepEqual(told, weEnded ? [] : [lost]);
    if (weEnded) assert.equal(await conn.read(), undefined);
    else await assert.rejects(conn.write(randomBytes(1)), lost);
  }
});

test("onBroken tells of a break once, though nobody reads or writes, and at once if it comes late.", async () => {
  const { stream, conn } = held();
  const told: string[] = [];
  conn.onBroken((reason) => void told.push(reason.message));
  stream.destroy(new Error("ECONNRESET"));
  await closed(stream);
  assert.deepEqual(told, ["the connection with the peer broke: ECONNRESET"]);
  conn.onBroken((reason) => void told.push(`late: ${reason.message}`));
  assert.equal(told[1], "late: the connection with the peer broke: ECONNRESET");
  conn.abort(broken());
  assert.equal(told.length, 2);
});

test("Nothing is left to break once both halves have ended.", async () => {
  const { stream, conn, resets } = held();
  stream.push(null);
  assert.equal(await conn.read(), undefined);
  await conn.end();
  conn.abort(broken());
  assert.equal(resets.length, 0);
  assert.equal(await conn.read(), undefined);
});

test("A write waits while what lies under the stream is full.", async () => {
  let room = () => {};
  let full: Promise<void> | undefined = new Promise((resolve) => {
    room = resolve;
  });
  const { stream, conn } = held({ congestion: () => full });
  const small = conn.write(randomBytes(10));
  const large = conn.write(randomBytes(writeAheadBytes));
  while (stream.takeWrite()) await quiet();
  assert.deepEqual([await stateOf(small), await stateOf(large)], ["pending", "pending"]);
  full = undefined;
  room();
  await Promise.all([small, large]);
  await conn.write(randomBytes(10));
});

test("A write that waits for what lies under the stream rejects at once when the connection breaks.", async () => {
  for (const how of ["abort", "close"] as const) {
    const { stream, conn } = held({ congestion: () => new Promise(() => {}) });
    const small = assert.rejects(conn.write(randomBytes(10)), PorthopError);
    const large = assert.rejects(conn.write(randomBytes(writeAheadBytes)), PorthopError);
    while (stream.takeWrite()) await quiet();
    if (how === "abort") conn.abort(broken());
    else stream.destroy();
    await Promise.all([small, large]);
  }
});

test("On a socket: half-close both ways, with a late answer.", async () => {
  await using pair = await socketPair();
  const { near, far } = pair;
  await writeAll(near, [randomBytes(100_000, 1)]);
  assert.deepEqual(Buffer.from(await readAll(far)), Buffer.from(randomBytes(100_000, 1)));
  await writeAll(far, randomChunks(300_000, 2));
  assert.deepEqual(Buffer.from(await readAll(near)), Buffer.from(randomBytes(300_000, 2)));
});

test("On a socket: an abort is an RST, which the peer sees as a break and not as an end.", async () => {
  await using pair = await socketPair();
  const { near, far } = pair;
  await near.write(randomBytes(10));
  assert.equal((await far.read())?.length, 10);
  const reading = assert.rejects(far.read(), (error: PorthopError) => {
    assert.match(error.message, /^the connection with 127\.0\.0\.1:\d+ broke: connection reset by peer$/);
    assert.deepEqual([error.code, error.leg], ["target.unreachable", 3]);
    return true;
  });
  near.abort(broken());
  await reading;
  await assert.rejects(far.write(randomBytes(1)), /connection reset by peer/);
});

test("On a socket: an RST after our half-close is still a break.", async () => {
  await using pair = await socketPair();
  const { near, far } = pair;
  await far.end();
  assert.equal(await near.read(), undefined);
  const reading = assert.rejects(far.read(), /broke/);
  near.abort(broken());
  await reading;
});

test("On a socket: writes to a peer that is gone reject instead of hanging.", async () => {
  await using pair = await socketPair();
  const { near, far } = pair;
  near.abort(broken());
  await assert.rejects(
    (async () => {
      for (let index = 0; index < 10_000; index++) await far.write(randomBytes(65_536));
    })(),
    /broke/,
  );
});

test("On a socket: an abort while a write waits rejects it, and the peer sees a break.", async () => {
  await using pair = await socketPair();
  const { near, far } = pair;
  const reason = broken(1);
  let accepted = 0;
  const writing = assert.rejects(
    (async () => {
      for (;;) {
        await near.write(randomBytes(writeAheadBytes));
        accepted += 1;
        assert.ok(accepted < 100, "a peer that does not read must stop the writer");
      }
    })(),
    reason,
  );
  await stalled(() => accepted);
  near.abort(reason);
  await writing;
  await assert.rejects(readAll(far), /broke/);
});

test("On a socket: a reader that stops reading stops the peer, and all arrives when it goes on.", async () => {
  await using pair = await socketPair();
  const { near, far, farSocket } = pair;
  const total = 64 * 1024 * 1024;
  const writing = writeAll(near, randomChunks(total, 4, 256 * 1024));
  const first = await far.read();
  await stalled(() => farSocket.bytesRead);
  assert.ok(farSocket.bytesRead < 2 * 1024 * 1024, `${farSocket.bytesRead} bytes were taken and one chunk was read`);
  assert.equal(await stateOf(writing), "pending");
  const [rest] = await Promise.all([readAll(far), writing]);
  assert.equal((first?.length ?? 0) + rest.length, total);
});

test("On a socket: end() waits for what was written.", async () => {
  await using pair = await socketPair();
  const { near, far } = pair;
  const total = 16 * 1024 * 1024;
  const writing = (async () => {
    for (const chunk of randomChunks(total, 6, 512 * 1024)) await near.write(chunk);
    await near.end();
  })();
  assert.equal(await stateOf(writing), "pending");
  assert.equal((await readAll(far)).length, total);
  await writing;
});

/** A stream of which the test holds both ends: it pushes what is to be read, and takes writes one by one. */
class HeldStream extends Duplex {
  readonly taken: Uint8Array[] = [];
  finished = false;
  readonly #waiting: { chunk: Uint8Array; done: (error?: Error) => void }[] = [];
  readonly #pull: () => void;

  constructor(pull: () => void = () => {}) {
    super({ allowHalfOpen: true });
    this.#pull = pull;
  }

  /** Takes the write that waits longest, or fails it. False when none waits. */
  takeWrite(error?: Error): boolean {
    const write = this.#waiting.shift();
    if (write === undefined) return false;
    if (error === undefined) this.taken.push(write.chunk);
    write.done(error);
    return true;
  }

  override _read(): void {
    this.#pull();
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error) => void): void {
    this.#waiting.push({ chunk, done });
  }

  override _final(done: () => void): void {
    this.finished = true;
    done();
  }
}

function held(traits: Partial<StreamTraits> = {}) {
  const stream = new HeldStream();
  const resets: number[] = [];
  const plain = traitsOf(stream);
  const reset = () => {
    resets.push(1);
    plain.reset();
  };
  return { stream, resets, conn: new StreamConn(stream, { ...plain, reset, ...traits }) };
}

function traitsOf(stream: Duplex): StreamTraits {
  return {
    reset: () => void stream.destroy(),
    close(ended) {
      ended();
      stream.destroy();
    },
    translate: (error) =>
      new PorthopError(
        "target.unreachable",
        `the connection with the peer broke: ${error instanceof Error ? error.message : "closed"}`,
      ),
  };
}

/** events.once would reject with the error that comes before. */
function closed(stream: Duplex): Promise<void> {
  return new Promise((resolve) => stream.once("close", () => resolve()));
}

/** Two conns on the two ends of one loopback connection. */
async function socketPair() {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const nearSocket = connect({ host: "127.0.0.1", port: address.port, allowHalfOpen: true });
  const [[farSocket]] = (await Promise.all([once(server, "connection"), once(nearSocket, "connect")])) as [
    [Socket],
    unknown,
  ];
  const peer = { host: "127.0.0.1", port: address.port };
  return {
    near: socketConn(nearSocket, 1, peer),
    far: socketConn(farSocket, 3, peer),
    farSocket,
    async [Symbol.asyncDispose]() {
      nearSocket.destroy();
      farSocket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Resolves when a number stood still over many turns of the event loop: loopback needs none but the kernel's time. */
async function stalled(value: () => number): Promise<void> {
  for (let still = 0, last = value(); still < 200; still = value() === last ? still + 1 : 0) {
    last = value();
    await quiet();
  }
}
