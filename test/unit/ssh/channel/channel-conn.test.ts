import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import type { ServerChannel } from "ssh2";
import { PorthopError } from "../../../../src/errors.ts";
import type { Conn } from "../../../../src/flow/conn.ts";
import { type ChannelCarrier, channelConn } from "../../../../src/ssh/channel/channel-conn.ts";
import { ChannelPair } from "../../../kit/channel-pair.ts";
import { readAll } from "../../../kit/memory-conn.ts";
import { randomBytes, sha256 } from "../../../kit/random.ts";
import { Waiting } from "../../../kit/waiting.ts";

const timeout = 30_000;
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (chunk: Uint8Array | undefined) => (chunk === undefined ? undefined : new TextDecoder().decode(chunk));
const reason = new PorthopError("cancelled", "the test had enough");
const lost = new PorthopError("ssh.lost", "lost the session", { leg: 2 });

/** What the reader is told when the server closes a channel in the middle. */
const closed = {
  code: "target.unreachable",
  leg: 3,
  message: "the server closed the channel to db:5432 in the middle",
} as const;

interface Play extends AsyncDisposable {
  readonly pair: ChannelPair;
  readonly conn: Conn;
  readonly far: ServerChannel;
  /** What onBroken told. */
  readonly broken: PorthopError[];
}

async function play(carrier: Partial<ChannelCarrier> = {}): Promise<Play> {
  const pair = await ChannelPair.open();
  const session: { gone: PorthopError | undefined } = { gone: undefined };
  // As the session does it: before the channels' own events.
  pair.client.on("close", () => {
    session.gone = lost;
  });
  const { near, far } = await pair.channel();
  far.on("error", () => {});
  const whole: ChannelCarrier = {
    get goneBy() {
      return session.gone;
    },
    congestion: carrier.congestion ?? (() => undefined),
  };
  const conn = channelConn(near, whole, "db:5432");
  const broken: PorthopError[] = [];
  conn.onBroken((error) => broken.push(error));
  return { pair, conn, far, broken, [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose]() };
}

/** Collects what comes to the server's end until its EOF. */
function collect(far: ServerChannel) {
  const chunks: Uint8Array[] = [];
  const waiting = new Waiting();
  let ended = false;
  far.on("data", (chunk: Uint8Array) => {
    chunks.push(chunk);
    waiting.change();
  });
  far.on("end", () => {
    ended = true;
    waiting.change();
  });
  const all = () => Buffer.concat(chunks);
  return {
    whole: () => waiting.until("the EOF", () => (ended ? all() : undefined)),
    got: (count: number) => waiting.until(`${count} bytes`, () => (all().length >= count ? all() : undefined)),
  };
}

test("Bytes go both ways, whole and in their order.", { timeout }, async () => {
  await using played = await play();
  const { conn, far } = played;
  const collected = collect(far);
  const up = randomBytes(300_000, 1);
  for (let at = 0; at < up.length; at += 70_000) await conn.write(up.subarray(at, at + 70_000));
  await conn.end();
  assert.equal(sha256(await collected.whole()), sha256(up));
  const down = randomBytes(300_000, 2);
  far.write(down, () => far.eof());
  assert.equal(sha256(await readAll(conn)), sha256(down));
});

test("An EOF is the end of a half, and the other half goes on.", { timeout }, async () => {
  await using played = await play();
  const { conn, far, broken } = played;
  const collected = collect(far);
  far.write("all I have", () => far.eof());
  assert.equal(text(await conn.read()), "all I have");
  assert.equal(await conn.read(), undefined);
  await conn.write(bytes("and still "));
  await conn.write(bytes("listening"));
  await conn.end();
  assert.equal(String(await collected.whole()), "and still listening");
  assert.deepEqual(broken, []);
});

test("An EOF with a CLOSE right behind it is a clean end.", { timeout }, async () => {
  await using played = await play();
  const { conn, far, broken } = played;
  far.write("bye", () => {
    far.eof();
    far.close();
  });
  assert.deepEqual([text(await conn.read()), await conn.read(), await conn.read()], ["bye", undefined, undefined]);
  await assert.rejects(conn.write(bytes("too late")), closed);
  assert.deepEqual(broken, [], "what the target said is whole");
});

test("What came before a CLOSE without an EOF is delivered, and then the end: servers written in Go close so.", {
  timeout,
}, async () => {
  await using played = await play();
  const { conn, far, broken } = played;
  const gone = new Promise<void>((resolve) => conn.onGone(resolve));
  const sent = randomBytes(1_500_000, 3);
  far.write(sent, () => far.close());
  // Nobody reads yet: the CLOSE is here before that.
  await conn.write(bytes("a question"));
  assert.equal(conn.isGone, false);
  assert.equal(sha256(await readAll(conn)), sha256(sent));
  await gone;
  assert.equal(conn.isGone, true);
  assert.deepEqual(broken, []);
  let told = false;
  conn.onGone(() => {
    told = true;
  });
  assert.equal(told, true);
});

test("Nothing reaches who has closed the channel without an EOF, and no write hangs.", { timeout }, async () => {
  await using played = await play();
  const { conn, far, broken } = played;
  far.pause();
  // More than the window of the channel: the last of them can only wait.
  const waiting = Array.from({ length: 12 }, () => conn.write(randomBytes(500_000)));
  far.write("enough", () => far.close());
  const settled = Promise.allSettled(waiting);
  assert.equal(String(await readAll(conn)), "enough");
  assert.equal((await settled).at(-1)?.status, "rejected");
  await assert.rejects(conn.write(bytes("x")), closed);
  await assert.rejects(conn.end(), closed);
  assert.deepEqual([conn.isGone, broken], [true, []]);
});

test("Who has ended before a CLOSE, and said all, lost nothing: also while the answer is still being read.", {
  timeout,
}, async () => {
  await using played = await play();
  const { conn, far } = played;
  far.resume();
  const sent = randomBytes(1_000_000, 5);
  const closing = new Promise<void>((resolve) => far.write(sent, () => resolve(far.close())));
  await closing;
  await conn.write(bytes("a question"));
  const ended = conn.end();
  assert.equal(sha256(await readAll(conn)), sha256(sent));
  await ended;
});

test("What waits for a window that a CLOSE leaves shut was lost, and our end says so.", { timeout }, async () => {
  await using played = await play();
  const { conn, far } = played;
  far.pause();
  // The window, and as much as a writer may have waiting behind it.
  for (let sent = 0; sent < 2_300_000; sent += 50_000) void conn.write(randomBytes(50_000)).catch(() => {});
  far.write("enough", () => far.close());
  assert.equal(String(await readAll(conn)), "enough");
  await new Promise<void>((resolve) => conn.onGone(resolve));
  await assert.rejects(conn.end(), closed);
});

test("A channel that is closed in good order says EOF and CLOSE, and holds nothing of what still comes.", {
  timeout,
}, async () => {
  await using played = await play();
  const { pair, conn, far, broken } = played;
  far.resume();
  const gone = once(far, "close");
  const reading = conn.read();
  await conn.end();
  far.write(randomBytes(1_000_000));
  let left = 0;
  conn.close(() => {
    left += 1;
  });
  assert.equal(await reading, undefined);
  assert.equal(left, 1);
  await gone;
  conn.abort(reason);
  await pair.channel();
  assert.deepEqual([pair.held, broken], [1, []]);
});

test("A session that is gone is a break with the session's reason, in both halves.", { timeout }, async () => {
  await using played = await play();
  const { pair, conn, broken } = played;
  const reading = assert.rejects(conn.read(), (error) => error === lost);
  await pair.break();
  await reading;
  await assert.rejects(conn.write(bytes("x")), (error) => error === lost);
  await assert.rejects(conn.end(), (error) => error === lost);
  assert.deepEqual(broken, [lost]);
});

test("A session that is lost after the target's end is a break while our half is open.", { timeout }, async () => {
  await using played = await play();
  const { pair, conn, far, broken } = played;
  far.eof();
  assert.equal(await conn.read(), undefined);
  await pair.break();
  await assert.rejects(conn.write(bytes("x")), (error) => error === lost);
  assert.deepEqual(broken, [lost]);
});

test("When both halves have ended, nothing is left to break.", { timeout }, async () => {
  await using played = await play();
  const { pair, conn, far, broken } = played;
  const collected = collect(far);
  await conn.end();
  await collected.whole();
  far.eof();
  far.close();
  assert.equal(await conn.read(), undefined);
  await pair.break();
  conn.abort(reason);
  assert.equal(await conn.read(), undefined);
  assert.deepEqual([broken, pair.held], [[], 0]);
});

test("An abort closes the channel on both sides, with the reason for whoever waits.", { timeout }, async () => {
  await using played = await play();
  const { pair, conn, far, broken } = played;
  far.resume();
  const gone = once(far, "close");
  const reading = assert.rejects(conn.read(), (error) => error === reason);
  conn.abort(reason);
  conn.abort(new PorthopError("internal", "not this one"));
  await reading;
  await gone;
  await assert.rejects(conn.write(bytes("x")), (error) => error === reason);
  assert.deepEqual(broken, [reason]);
  // A second channel is answered after the first was forgotten.
  await pair.channel();
  assert.equal(pair.held, 1);
});

test("An abort of a channel with unread bytes does not keep it.", { timeout }, async () => {
  await using played = await play();
  const { pair, conn, far } = played;
  far.resume();
  far.write(randomBytes(1_000_000));
  await conn.read();
  const gone = once(far, "close");
  conn.abort(reason);
  await gone;
  await pair.channel();
  assert.equal(pair.held, 1);
});

test("What a server sends to a stderr that a forward does not have holds nothing up.", { timeout }, async () => {
  await using played = await play();
  const { conn, far } = played;
  // Three times the window of the channel: ssh2 itself holds as much as twice that.
  const noise = randomBytes(6_500_000);
  far.stderr.write(noise, () => far.write("at last", () => far.eof()));
  assert.equal(text(await readAll(conn)), "at last");
});

test("A writer waits while the network is behind, and goes on when it has caught up.", { timeout }, async () => {
  let release = () => {};
  let congested = true;
  const congestion = () =>
    congested
      ? new Promise<void>((resolve) => {
          release = resolve;
        })
      : undefined;
  await using played = await play({ congestion });
  const { conn, far } = played;
  const collected = collect(far);
  let written = false;
  const writing = conn.write(bytes("x")).then(() => {
    written = true;
  });
  await collected.got(1);
  assert.equal(written, false);
  congested = false;
  release();
  await writing;
  await conn.write(bytes("y"));
});

test("Of a channel that the server opened it is the origin that went, on leg 1.", { timeout }, async () => {
  await using pair = await ChannelPair.open();
  const { near, far } = await pair.channel();
  const carrier = { goneBy: undefined, congestion: () => undefined };
  const conn = channelConn(near, carrier, "10.0.0.9:40000", 1);
  far.close();
  assert.equal(await conn.read(), undefined);
  await new Promise<void>((resolve) => conn.onGone(resolve));
  await assert.rejects(conn.write(bytes("x")), {
    leg: 1,
    message: "the server closed the channel from 10.0.0.9:40000 in the middle",
    hint: /^the origin/,
  });
});
