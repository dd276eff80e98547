import assert from "node:assert/strict";
import { test } from "node:test";
import { ReceiveWindow, windowBytes } from "../../../../src/ssh/ssh2/receive-window.ts";
import { WindowLink, WindowPool } from "../../../../src/ssh/ssh2/window-link.ts";

const mebibyte = 1024 * 1024;

/** A server that sends whatever the windows let it, over a line with a round trip and a speed that all channels share. */
class Line {
  nowMs = 0;
  readonly link: WindowLink;
  roundTripMs: number;
  bytesPerMs: number;
  readonly channels: Channel[] = [];

  constructor(roundTripMs: number, bytesPerMs: number, pool = new WindowPool(128 * mebibyte)) {
    this.roundTripMs = roundTripMs;
    this.bytesPerMs = bytesPerMs;
    this.link = new WindowLink(pool);
    this.link.measured(roundTripMs);
  }

  open(readBytesPerMs = Number.POSITIVE_INFINITY): Channel {
    const channel = new Channel(this, readBytesPerMs);
    this.channels.push(channel);
    return channel;
  }

  run(ms: number): void {
    for (const end = this.nowMs + ms; this.nowMs < end; this.nowMs++) {
      const share = this.bytesPerMs / this.channels.length;
      for (const channel of this.channels) channel.pass(share);
    }
  }
}

class Channel {
  readonly window: ReceiveWindow;
  readonly #line: Line;
  readBytesPerMs: number;
  /** What we let the server send, what it has heard of that, and what it has sent. */
  granted = windowBytes;
  #heard = windowBytes;
  #sent = 0;
  #came = 0;
  #read = 0;
  readonly #onTheWay: { readonly atMs: number; readonly act: () => void }[] = [];
  wantsAll = true;

  constructor(line: Line, readBytesPerMs: number) {
    this.#line = line;
    this.readBytesPerMs = readBytesPerMs;
    this.window = new ReceiveWindow(line.link, () => line.nowMs);
  }

  get unread(): number {
    return this.#came - this.#read;
  }

  /** What this channel may hold in memory: what is read for nobody yet, and what still may come. */
  get held(): number {
    return this.granted - this.#read;
  }

  get readBytes(): number {
    return this.#read;
  }

  pass(share: number): void {
    const { nowMs, roundTripMs } = this.#line;
    while ((this.#onTheWay[0]?.atMs ?? Number.POSITIVE_INFINITY) <= nowMs) this.#onTheWay.shift()?.act();
    if (this.wantsAll) this.#send(Math.min(share, this.#heard - this.#sent));
    this.#read += Math.floor(Math.min(this.unread, this.readBytesPerMs));
    const bytes = this.window.opening(this.granted - this.#came, this.unread);
    this.granted += bytes;
    if (bytes > 0) this.#onTheWay.push({ atMs: nowMs + roundTripMs, act: () => (this.#heard += bytes) });
  }

  /** One small message. */
  says(bytes: number): void {
    this.#send(bytes);
  }

  #send(wanted: number): void {
    const bytes = Math.floor(wanted);
    if (bytes <= 0) return;
    this.#sent += bytes;
    this.#came += bytes;
    this.window.took(bytes);
  }
}

test("Over a long line a download is as fast as the line, and not as the first window.", () => {
  const line = new Line(50, 160 * 1024);
  const channel = line.open();
  line.run(2000);
  const before = channel.readBytes;
  line.run(1000);
  const perMs = (channel.readBytes - before) / 1000;
  assert.ok(perMs > 0.9 * line.bytesPerMs, `${perMs} of ${line.bytesPerMs} bytes a millisecond`);
  // The first window alone would give a quarter of that.
  assert.ok(windowBytes / 50 < 0.3 * line.bytesPerMs);
});

test("Once the line is full the window is not much larger than the line, but for a try now and then.", () => {
  const line = new Line(50, 100 * 1024);
  const channel = line.open();
  line.run(3000);
  const held: number[] = [];
  for (let count = 0; count < 200; count++) {
    line.run(50);
    held.push(channel.held / (100 * 1024 * 50));
  }
  held.sort((one, other) => one - other);
  assert.ok((held[100] ?? 0) < 1.4, `${held[100]}`);
  assert.ok((held.at(-1) ?? 0) > 1.5, `${held.at(-1)}`);
});

test("A line that becomes faster is used as such soon.", () => {
  const line = new Line(50, 40 * 1024);
  const channel = line.open();
  line.run(5000);
  line.bytesPerMs = 160 * 1024;
  line.run(3000);
  const before = channel.readBytes;
  line.run(1000);
  assert.ok((channel.readBytes - before) / 1000 > 0.9 * line.bytesPerMs);
});

test("Over a short line the window stays as it is.", () => {
  const line = new Line(0.3, 512 * 1024);
  const channel = line.open();
  line.run(3000);
  assert.ok(channel.held <= windowBytes, `${channel.held}`);
});

test("No window grows beyond 32 MiB, whatever the line can do.", () => {
  const line = new Line(400, 1024 * 1024);
  const channel = line.open();
  line.run(10_000);
  assert.ok(channel.held > 30 * mebibyte && channel.held <= 32 * mebibyte, `${channel.held}`);
});

test("A reader that never kept up costs the first window, on any line.", () => {
  const line = new Line(50, 160 * 1024);
  const channel = line.open(0);
  line.run(5000);
  assert.equal(channel.held, windowBytes);
  // One that reads a little has a window for what it reads.
  const slow = line.open(1024);
  line.run(20_000);
  assert.ok(slow.held <= windowBytes, `${slow.held}`);
});

test("A reader that stalls later costs what was granted, and nothing more.", () => {
  const line = new Line(50, 160 * 1024);
  const channel = line.open();
  line.run(3000);
  const granted = channel.held;
  assert.ok(granted > 4 * windowBytes, `${granted}`);
  channel.readBytesPerMs = 0;
  line.run(5000);
  assert.equal(channel.held, granted);
  // As a slow one goes on with it, the window becomes small again.
  channel.readBytesPerMs = 4096;
  line.run(10_000);
  assert.ok(channel.held <= windowBytes, `${channel.held}`);
});

test("A bulk transfer gives way while others exchange small messages, and stays nearly as fast.", () => {
  const line = new Line(50, 100 * 1024);
  const channel = line.open();
  line.run(3000);
  const alone = channel.held;
  const talk = line.open();
  talk.wantsAll = false;
  // The line is not shared in halves: small messages take none of it.
  line.bytesPerMs *= 2;
  const before = channel.readBytes;
  for (let turn = 0; turn < 40; turn++) {
    talk.says(100);
    line.run(50);
  }
  const onTheWay = 100 * 1024 * 50;
  assert.ok(alone > 1.15 * onTheWay, `${alone}`);
  assert.ok(channel.held <= alone, `${channel.held} of ${alone}`);
  assert.ok((channel.readBytes - before) / 2000 > 0.9 * 100 * 1024);
  // A second after the last message the transfer is alone again.
  line.run(3000);
  assert.ok(channel.held > 1.15 * onTheWay, `${channel.held}`);
});

test("Where round trips have become longer, a download that gives way stays as fast as ssh.", () => {
  for (const roundTripMs of [60, 70, 100]) {
    const line = new Line(50, 100 * 1024);
    const channel = line.open();
    const talk = line.open();
    talk.wantsAll = false;
    line.bytesPerMs *= 2;
    line.run(3000);
    line.roundTripMs = roundTripMs;
    let before = 0;
    for (let turn = 0; turn < 300; turn++) {
      talk.says(100);
      line.run(50);
      if (turn === 200) before = channel.readBytes;
    }
    const perMs = (channel.readBytes - before) / (99 * 50);
    assert.ok(perMs > (0.9 * windowBytes) / roundTripMs, `${perMs} at ${roundTripMs} ms`);
  }
});

test("A download whose reader is slower than the line has room for a quarter more than what the reader takes.", () => {
  const line = new Line(50, 200 * 1024);
  const channel = line.open(80 * 1024);
  line.run(3000);
  const before = channel.readBytes;
  const held: number[] = [];
  for (let count = 0; count < 200; count++) {
    line.run(50);
    held.push(channel.held / (80 * 1024 * 50));
  }
  held.sort((one, other) => one - other);
  assert.ok((held[100] ?? 0) < 1.4, `${held[100]}`);
  assert.ok((channel.readBytes - before) / 10_000 > 0.97 * 80 * 1024);
});

test("Over a short line a bulk transfer that gives way keeps half a MiB at least.", () => {
  const line = new Line(0.3, 20 * 1024);
  const channel = line.open();
  const talk = line.open();
  talk.wantsAll = false;
  for (let turn = 0; turn < 100; turn++) {
    talk.says(1);
    line.run(20);
  }
  assert.ok(channel.held <= 0.5 * mebibyte && channel.held > 0.4 * mebibyte, `${channel.held}`);
});

test("Without a round trip that was measured the window stays as it is.", () => {
  const link = new WindowLink(new WindowPool(128 * mebibyte));
  let nowMs = 0;
  const window = new ReceiveWindow(link, () => nowMs);
  for (; nowMs < 5000; nowMs += 50) {
    window.took(windowBytes);
    assert.ok(window.opening(0, 0) <= windowBytes);
  }
});

test("All windows together borrow no more than the pool has, and each gets something.", () => {
  const line = new Line(150, 2048 * 1024, new WindowPool(128 * mebibyte));
  const channels = Array.from({ length: 20 }, () => line.open());
  line.run(10_000);
  const extra = channels.map(({ held }) => Math.max(0, held - windowBytes));
  const sum = extra.reduce((all, each) => all + each, 0);
  assert.ok(sum <= 128 * mebibyte, `${sum}`);
  assert.ok(extra.every((each) => each > 0));
});

test("What a window has borrowed is given back as it is read, also after the server has ended.", () => {
  const pool = new WindowPool(128 * mebibyte);
  const line = new Line(150, 1024 * 1024, pool);
  const channel = line.open();
  line.run(5000);
  const borrowed = 128 * mebibyte - 2 * pool.most(0);
  assert.ok(borrowed > 20 * mebibyte, `${borrowed}`);
  channel.window.ended(3 * mebibyte);
  assert.equal(pool.most(0), (128 * mebibyte - mebibyte) / 2);
  channel.window.ended(0);
  assert.equal(pool.most(0), 64 * mebibyte);
});
