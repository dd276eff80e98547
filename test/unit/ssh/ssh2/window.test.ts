import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { windowBytes } from "../../../../src/ssh/ssh2/receive-window.ts";
import type { ChannelView } from "../../../../src/ssh/ssh2/view.ts";
import { beginSending, linkOf, openSending, openWindow, takeData } from "../../../../src/ssh/ssh2/window.ts";

const stepBytes = 128 * 1024;

class Fake extends Readable {
  readonly incoming: { state: "open" | "eof" | "closed"; window: number } = { state: "open", window: windowBytes };
  readonly outgoing: { state: "open" | "eof" | "closing" | "closed"; id: number; window: number } = {
    ...{ state: "open", id: 7 },
    window: windowBytes,
  };
  readonly stderr = new Readable({ highWaterMark: windowBytes, read() {} });
  readonly adjusts: (readonly [channel: number, bytes: number])[] = [];
  readonly _client = {
    _protocol: { channelWindowAdjust: (channel: number, bytes: number) => void this.adjusts.push([channel, bytes]) },
  };

  constructor() {
    super({ highWaterMark: windowBytes });
  }

  override _read(): void {}

  /** The server sends as long as the window lets it. Gives how much that was. */
  fill(streamOf: (fake: Fake) => Readable = (fake) => fake): number {
    let sent = 0;
    for (; this.incoming.window >= 32_768; sent += 32_768) this.comes(32_768, streamOf);
    return sent;
  }

  comes(bytes: number, streamOf: (fake: Fake) => Readable = (fake) => fake): void {
    takeData(this as unknown as ChannelView, streamOf(this), Buffer.alloc(bytes));
  }
}

test("A reader who stands still costs one window, and it is opened again for what was read.", () => {
  const fake = new Fake();
  assert.equal(fake.fill(), windowBytes);
  assert.deepEqual(fake.adjusts, []);
  fake.read(stepBytes - 1);
  assert.deepEqual(fake.adjusts, []);
  fake.read(1);
  assert.deepEqual(fake.adjusts, [[7, stepBytes]]);
  assert.equal(fake.fill(), stepBytes);
});

test("Where somebody listens the window is opened after every 128 KiB, and never beyond itself.", () => {
  const fake = new Fake();
  let heard = 0;
  fake.on("data", (chunk: Uint8Array) => {
    heard += chunk.length;
  });
  // A listener starts in the next turn: until then it waits in the stream.
  for (let index = 0; index < 16; index++) fake.comes(32_768);
  return new Promise<void>((resolve) => {
    setImmediate(() => {
      for (let index = 0; index < 16; index++) fake.comes(32_768);
      assert.equal(heard, 32 * 32_768);
      const opened = fake.adjusts.reduce((sum, [, bytes]) => sum + bytes, 0);
      assert.equal(fake.incoming.window, windowBytes);
      assert.equal(opened, heard);
      assert.ok(fake.adjusts.every(([, bytes]) => bytes >= stepBytes));
      resolve();
    });
  });
});

test("What waits on stderr counts as well: the two outputs share one window.", () => {
  const fake = new Fake();
  assert.equal(
    fake.fill(({ stderr }) => stderr),
    windowBytes,
  );
  assert.deepEqual(fake.adjusts, []);
  fake.stderr.read(stepBytes);
  assert.deepEqual(fake.adjusts, [[7, stepBytes]]);
});

for (const [what, states] of [
  ["we have closed it", { outgoing: "closing", incoming: "open" }],
  ["both have closed it", { outgoing: "closed", incoming: "closed" }],
  ["the server has ended its half", { outgoing: "open", incoming: "eof" }],
  ["the server has closed it", { outgoing: "open", incoming: "closed" }],
] as const) {
  test(`No window is opened once ${what}: the number may be another channel's by then.`, () => {
    const fake = new Fake();
    fake.fill();
    fake.outgoing.state = states.outgoing;
    fake.incoming.state = states.incoming;
    while (fake.read(32_768) !== null);
    openWindow(fake as unknown as ChannelView);
    assert.deepEqual(fake.adjusts, []);
  });
}

test("A half that we have ended still gets its window opened.", () => {
  const fake = new Fake();
  fake.fill();
  fake.outgoing.state = "eof";
  fake.read(stepBytes);
  assert.deepEqual(fake.adjusts, [[7, stepBytes]]);
});

test("An upload that gives way sends on, also where the server opens its window only when all is used.", async () => {
  const fake = new Fake();
  const channel = fake as unknown as ChannelView;
  const link = linkOf(channel._client);
  link.measured(1);
  let sent = 0;
  let told = () => {};
  const open = (bytes: number) => {
    fake.outgoing.window += bytes;
    told();
  };
  const { now } = performance;
  const startMs = performance.now();
  beginSending(channel, windowBytes);
  // A server that says it for each 100 KiB, at 100 MB/s, makes the upload give way. Then it waits for its whole window.
  try {
    for (let ms = 0; ms < 100; ms++) {
      performance.now = () => startMs + ms;
      link.smallArrivals += 1;
      fake.outgoing.window -= 102_400;
      openSending(channel, 102_400, open);
    }
  } finally {
    performance.now = now;
  }
  assert.ok(fake.outgoing.window < windowBytes / 2, `${fake.outgoing.window}`);
  // What looks after a late server does not keep a process alive.
  const alive = setInterval(() => {}, 1000);
  await new Promise<void>((resolve) => {
    told = () => {
      sent += fake.outgoing.window;
      fake.outgoing.window = 0;
      if (sent === windowBytes) resolve();
    };
    told();
  });
  clearInterval(alive);
});

test("Nobody looks after an upload whose channel is over.", () => {
  const fake = new Fake();
  const channel = fake as unknown as ChannelView;
  let opened = 0;
  openSending(channel, 5, (bytes) => {
    opened += bytes;
  });
  // A channel of which nothing is known is opened as ssh2 would.
  assert.equal(opened, 5);
});

for (const [what, states] of [
  ["the server has ended its half", { outgoing: "open", incoming: "eof" }],
  ["the server has closed it", { outgoing: "open", incoming: "closed" }],
  ["both have closed it", { outgoing: "closed", incoming: "closed" }],
] as const) {
  test(`A download that was read to its end leaves all memory to the next ones, once ${what}.`, async () => {
    const fake = new Fake();
    const link = linkOf(fake._client as unknown as ChannelView["_client"]);
    link.measured(200);
    const freeBytes = link.pool.most(0);
    fake.on("data", () => {});
    await new Promise((resolve) => setImmediate(resolve));
    const { now } = performance;
    const startMs = performance.now();
    try {
      for (let turn = 1; turn < 10; turn++) {
        performance.now = () => startMs + turn * 250;
        for (let packet = 0; packet < 200; packet++) fake.comes(32_768);
      }
    } finally {
      performance.now = now;
    }
    assert.ok(link.pool.most(0) < freeBytes - windowBytes);
    Object.assign(fake.incoming, { state: states.incoming });
    Object.assign(fake.outgoing, { state: states.outgoing });
    fake.push(null);
    await new Promise((resolve) => fake.once("end", resolve));
    assert.equal(link.pool.most(0), freeBytes);
  });
}

test("What a server sends beside the data of a packet is not kept in memory with it.", () => {
  const fake = new Fake();
  const channel = fake as unknown as ChannelView;
  const packet = Buffer.allocUnsafeSlow(32_768).fill("x");
  for (const bytes of [1, 30_000]) takeData(channel, fake, packet.subarray(9, 9 + bytes));
  const [small, large] = [fake.read(1), fake.read(30_000)] as (Buffer | null)[];
  assert.deepEqual([small?.toString(), small?.buffer.byteLength], ["x", 1]);
  assert.equal(large?.buffer, packet.buffer);
});
