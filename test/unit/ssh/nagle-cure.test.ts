import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import type { Client } from "ssh2";
import type { WindowedChannel } from "../../../src/ssh/channel/window.ts";
import { answerSmallReads, needsNagleCure } from "../../../src/ssh/nagle-cure.ts";

for (const [software, needed] of [
  ["OpenSSH_9.2p1 Debian-2+deb12u7", true],
  ["OpenSSH_10.0", true],
  ["OpenSSH_10.1", false],
  ["OpenSSH_10.10p1", false],
  ["OpenSSH_11.0", false],
  ["OpenSSH_7.4", true],
  ["dropbear_2022.83", false],
  ["libssh_0.10.5", false],
  ["", false],
] as const) {
  test(`${software === "" ? "A server without a name" : software} ${needed ? "needs" : "does not need"} the cure.`, () => {
    assert.equal(needsNagleCure(software), needed);
  });
}

/** A session with one channel, whose data is passed on at once. */
class Scene {
  readonly stream = new PassThrough();
  /** What was sent: window opened by so much. */
  readonly adjusts: number[] = [];
  nowMs = 1000;
  given = 100;
  readonly channel: WindowedChannel = {
    incoming: { state: "open", window: 2 * 1024 * 1024 },
    outgoing: { state: "open", id: 3 },
    readableLength: 0,
    stderr: { readableLength: 0, read: () => null, push: () => true },
    read: () => null,
    push: () => true,
    _client: {
      _protocol: {
        channelWindowAdjust: (_id, bytes) => {
          this.adjusts.push(bytes);
          this.given += 36;
        },
      },
    },
  };
  readonly handlers = {
    CHANNEL_DATA: (_self: unknown, _recipient: number, data: Uint8Array) => {
      this.channel.incoming.window -= data.length;
    },
    CHANNEL_OPEN_CONFIRMATION: () => {},
  };

  constructor() {
    const scene = this;
    const outgoing = {
      get given() {
        return scene.given;
      },
      sent: 0,
    };
    const client = { _protocol: { _handlers: this.handlers }, _chanMgr: { get: () => this.channel } };
    // ssh2's own listener, which takes the packets.
    this.stream.on("data", (chunk: Uint8Array) => {
      if (chunk.length === 1)
        this.handlers.CHANNEL_OPEN_CONFIRMATION.call(undefined, ...([undefined, { recipient: 0 }] as unknown as []));
      else this.handlers.CHANNEL_DATA(undefined, 0, chunk);
    });
    answerSmallReads(client as unknown as Client, this.stream, outgoing, () => this.nowMs);
  }

  /** One read, and the turn after it. `meanwhile` is what happens before that. */
  async reads(bytes: number, meanwhile = () => {}): Promise<number[]> {
    this.stream.emit("data", Buffer.alloc(bytes));
    meanwhile();
    await new Promise((resolve) => setImmediate(resolve));
    return this.adjusts.splice(0);
  }
}

test("A small read is answered with the window that it used.", async () => {
  const scene = new Scene();
  assert.deepEqual(await scene.reads(3), [3]);
  assert.deepEqual(await scene.reads(4096), [4096]);
});

test("A large packet is not answered.", async () => {
  const scene = new Scene();
  assert.deepEqual(await scene.reads(4097), []);
  assert.deepEqual(await scene.reads(32_768), []);
});

test("The small packets of a bulk flow are not answered, and those of the talk after it are.", async () => {
  const scene = new Scene();
  assert.deepEqual(await scene.reads(65_536), []);
  assert.deepEqual(await scene.reads(3), []);
  scene.nowMs += 101;
  // With the window that the bulk has used and not yet opened.
  assert.equal((await scene.reads(3)).length, 1);
});

test("Where something of ours goes out anyway, nothing is added.", async () => {
  const scene = new Scene();
  assert.deepEqual(
    await scene.reads(3, () => {
      scene.given += 80;
    }),
    [],
  );
  assert.deepEqual(await scene.reads(2), [5]);
});

test("In a conversation, where our next word carries it, a read is answered only when none comes.", async () => {
  const scene = new Scene();
  scene.given += 80;
  assert.deepEqual(await scene.reads(3), []);
  // The word came in time.
  scene.given += 80;
  assert.deepEqual(await scene.reads(4), []);
  scene.nowMs += 2;
  while (scene.adjusts.length === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(scene.adjusts.splice(0), [7]);
  // From here on the server speaks alone.
  assert.deepEqual([await scene.reads(1), await scene.reads(2)], [[0], [2]]);
});

test("A channel that was opened is answered by nothing: a target that speaks first would wait for it.", async () => {
  const scene = new Scene();
  assert.deepEqual(await scene.reads(1), [0]);
});

test("Several reads in one turn are answered once.", async () => {
  const scene = new Scene();
  assert.deepEqual(await scene.reads(3, () => scene.stream.emit("data", Buffer.alloc(4))), [7]);
});

test("After our own CLOSE nothing is said of a channel.", async () => {
  const scene = new Scene();
  const { outgoing } = scene.channel as unknown as { outgoing: { state: string } };
  outgoing.state = "closing";
  assert.deepEqual([await scene.reads(3), await scene.reads(1)], [[], []]);
});

test("A packet for a channel that cannot be is ssh2's to refuse, and nothing is answered later.", async () => {
  const scene = new Scene();
  const client = { _protocol: { _handlers: scene.handlers }, _chanMgr: { get: () => assert.fail("no such channel") } };
  scene.handlers.CHANNEL_DATA = () => {
    throw new Error("Invalid channel id: 4294967295");
  };
  const stream = new PassThrough();
  answerSmallReads(client as unknown as Client, stream, { given: 0, sent: 0 });
  assert.throws(() => scene.handlers.CHANNEL_DATA(undefined, 0xffff_ffff, Buffer.alloc(3)), /Invalid channel/);
  stream.emit("data", Buffer.alloc(3));
  await new Promise((resolve) => setImmediate(resolve));
});

test("An ssh2 that looks different is left alone.", () => {
  const stream = new PassThrough();
  answerSmallReads({} as Client, stream, { given: 0, sent: 0 });
  assert.equal(stream.listenerCount("data"), 0);
});
