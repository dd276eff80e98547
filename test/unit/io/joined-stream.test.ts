import assert from "node:assert/strict";
import { Duplex, PassThrough } from "node:stream";
import { test } from "node:test";
import { JoinedStream, type JoinedTraits } from "../../../src/io/joined-stream.ts";
import { randomBytes, sha256 } from "../../kit/random.ts";
import { Waiting } from "../../kit/waiting.ts";

/** A joined stream over two pipes of which the test has the far ends. */
class Play {
  readonly source: PassThrough;
  readonly sink: PassThrough;
  readonly stream: JoinedStream;
  readonly told: string[] = [];
  readonly chunks: Uint8Array[] = [];
  readonly #waiting = new Waiting();

  constructor(
    settled?: () => Promise<void>,
    sink = new PassThrough(),
    source = new PassThrough(),
    traits: Partial<JoinedTraits> = {},
  ) {
    this.source = source;
    this.sink = sink;
    this.stream = new JoinedStream(this.source, sink, {
      release: () => this.tell("released"),
      ...(settled === undefined ? {} : { settled }),
      ...traits,
    });
    this.stream.on("end", () => this.tell("end"));
    this.stream.on("error", (error) => this.tell(`error ${error.message}`));
    this.stream.on("close", () => this.tell("close"));
  }

  read(): this {
    this.stream.on("data", (chunk: Uint8Array) => {
      this.chunks.push(chunk);
      this.#waiting.change();
    });
    return this;
  }

  tell(what: string): void {
    this.told.push(what);
    this.#waiting.change();
  }

  heard(what: string): Promise<unknown> {
    return this.#waiting.until(what, () => (this.told.includes(what) ? true : undefined));
  }

  got(bytes: number): Promise<Buffer> {
    return this.#waiting.until(`${bytes} bytes`, () => {
      const all = Buffer.concat(this.chunks);
      return all.length >= bytes ? all : undefined;
    });
  }
}

test("Bytes go both ways whole, and a reader that is slow holds the source back.", async () => {
  const play = new Play();
  const content = randomBytes(3_000_000);
  let waited = 0;
  const fed = (async () => {
    for (let at = 0; at < content.length; at += 50_000) {
      if (play.source.write(content.subarray(at, at + 50_000))) continue;
      waited++;
      await new Promise((resolve) => play.source.once("drain", resolve));
    }
  })();
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(play.stream.readableLength < 400_000, `${play.stream.readableLength} bytes are held unread`);
  play.read();
  assert.equal(sha256(await play.got(content.length)), sha256(content));
  await fed;
  assert.ok(waited > 0);
  const up: Uint8Array[] = [];
  play.sink.on("data", (chunk: Uint8Array) => up.push(chunk));
  await new Promise<void>((resolve) => play.stream.write(content, () => resolve()));
  assert.equal(sha256(Buffer.concat(up)), sha256(content));
});

test("What is written together goes out together.", async () => {
  const play = new Play();
  const pieces: string[] = [];
  play.sink.on("data", (chunk: Uint8Array) => pieces.push(String(chunk)));
  play.stream.cork();
  for (const piece of ["len", "data", "tag"]) play.stream.write(piece);
  play.stream.uncork();
  await new Promise<void>((resolve) => play.stream.end(() => resolve()));
  assert.deepEqual(pieces, ["lendatatag"]);
});

test("A source that ends leaves the other half open, and the stream closes when that has ended too.", async () => {
  const play = new Play(undefined, new PassThrough(), new PassThrough({ autoDestroy: false })).read();
  const up: Uint8Array[] = [];
  play.sink.on("data", (chunk: Uint8Array) => up.push(chunk));
  play.source.end("last");
  await play.heard("end");
  assert.deepEqual(play.told, ["end"]);
  play.stream.end("still");
  await play.heard("close");
  assert.deepEqual([String(await play.got(4)), String(Buffer.concat(up))], ["last", "still"]);
});

test("A source that has closed takes the other half with it, once its end was read.", async () => {
  const play = new Play();
  play.source.end("last");
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(play.told, [], "nobody has read yet");
  play.read();
  await play.heard("close");
  assert.deepEqual(play.told, ["end", "released", "close"]);
});

test("Destroyed, it lets go at once, and closes without waiting for anybody.", async () => {
  const play = new Play();
  play.stream.destroy();
  await play.heard("close");
  assert.deepEqual(play.told, ["released", "close"]);
  // What still comes belongs to nobody.
  play.source.write("late");
  play.stream.destroy();
  assert.deepEqual(play.told, ["released", "close"]);
});

test("A source that breaks off is a close without an end.", async () => {
  const play = new Play().read();
  play.source.write("half");
  await play.got(4);
  play.source.destroy();
  await play.heard("close");
  assert.deepEqual(play.told, ["released", "close"]);
});

test("An error of either half is the stream's, once.", async () => {
  for (const half of ["source", "sink"] as const) {
    const play = new Play().read();
    play[half].destroy(new Error(`the ${half} failed`));
    await play.heard("close");
    const told = play.told.filter((what) => what !== "released");
    // A source that is destroyed also closes: whichever comes first.
    assert.ok(told.length <= 2 && told.at(-1) === "close", told.join());
  }
});

/** A program that takes no input: what is written to it fails. */
function deaf(): PassThrough {
  const sink = new PassThrough();
  sink._write = (_chunk, _encoding, done) => done(Object.assign(new Error("broken pipe"), { code: "EPIPE" }));
  return sink;
}

test("Who hears no more is read to the end, which is the stream's; what is written meanwhile goes nowhere.", async () => {
  const lastWords = () => new Promise<never>(() => {});
  const play = new Play(undefined, deaf(), new PassThrough(), { lastWords }).read();
  const written = Promise.withResolvers<void>();
  play.stream.write("hello");
  play.stream.write("anybody there?", () => written.resolve());
  await new Promise((resolve) => setImmediate(resolve));
  play.source.write("HTTP/1.0 403 ");
  play.source.end("Forbidden");
  await play.heard("end");
  assert.equal(String(await play.got(22)), "HTTP/1.0 403 Forbidden");
  await written.promise;
  play.stream.end();
  await play.heard("close");
  assert.deepEqual(play.told, ["end", "released", "close"]);
});

test("Who hears no more and does not end in time is broken off with what failed.", async () => {
  const waiting = Promise.withResolvers<void>();
  const play = new Play(undefined, deaf(), new PassThrough(), { lastWords: () => waiting.promise }).read();
  play.stream.write("hello");
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(play.told, []);
  waiting.resolve();
  await play.heard("close");
  assert.deepEqual(play.told, ["released", "error broken pipe", "close"]);
});

test("A sink that keeps what it was given for ever holds up no end: the source's close ends all.", async () => {
  const never = new PassThrough({ highWaterMark: 1 });
  never._write = () => {};
  const play = new Play(undefined, never).read();
  play.stream.write("nobody takes this");
  play.stream.on("end", () => play.stream.end());
  play.source.end();
  await play.heard("close");
  assert.deepEqual(play.told, ["end", "released", "close"]);
});

test("The end waits until what is under it has settled.", async () => {
  const settling = Promise.withResolvers<void>();
  const play = new Play(() => settling.promise).read();
  play.source.end("bye");
  await play.got(3);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(play.told, []);
  settling.resolve();
  await play.heard("end");
});

test("One stream for both halves is no trouble, as a channel is.", async () => {
  const both = new Duplex({
    read() {},
    write(chunk, _encoding, done) {
      this.push(chunk);
      done();
    },
    final(done) {
      this.push(null);
      done();
    },
  });
  const stream = new JoinedStream(both, both, { release() {} });
  const got: Uint8Array[] = [];
  stream.on("data", (chunk: Uint8Array) => got.push(chunk));
  const closed = new Promise((resolve) => stream.on("close", resolve));
  stream.end("there and back");
  await closed;
  assert.equal(String(Buffer.concat(got)), "there and back");
});
