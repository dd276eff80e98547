import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import type { Client } from "ssh2";
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

/** A session whose packets are one byte for each of the server's other messages, and data otherwise. */
class Scene {
  readonly stream = new PassThrough();
  /** Packets that were sent: their payload. */
  readonly sent: number[][] = [];
  nowMs = 1000;
  given = 100;
  /** Bytes that the network has not taken. */
  waiting = 0;
  readonly protocol = {
    _onPacket: () => {},
    _handlers: { CHANNEL_DATA: () => {} } as {
      CHANNEL_DATA: (self: unknown, recipient: number, data: Uint8Array) => void;
    },
    _packetRW: {
      write: {
        allocStart: 5,
        alloc: (bytes: number) => new Uint8Array(5 + bytes),
        finalize: (packet: Uint8Array) => packet,
      },
    },
    _cipher: {
      encrypt: (packet: Uint8Array) => {
        this.sent.push([...packet.subarray(5)]);
        this.given += 36;
      },
    },
    _kexinit: undefined as unknown,
    _destruct: () => {},
  };

  constructor() {
    const scene = this;
    const outgoing = {
      get given() {
        return scene.given;
      },
      get sent() {
        return scene.given - scene.waiting;
      },
    };
    // ssh2's own listener, which takes the packets.
    this.stream.on("data", (chunk: Uint8Array) => this.#take(chunk));
    answerSmallReads({ _protocol: this.protocol } as unknown as Client, this.stream, outgoing, () => this.nowMs);
  }

  /** One read, and the turn after it: how many answers it got. `meanwhile` is what happens before that. */
  async reads(bytes: number, meanwhile = () => {}): Promise<number> {
    this.stream.emit("data", Buffer.alloc(bytes));
    meanwhile();
    await new Promise((resolve) => setImmediate(resolve));
    return this.sent.splice(0).length;
  }

  #take(chunk: Uint8Array): void {
    // Part of a packet.
    if (chunk.length === 0) return;
    this.protocol._onPacket();
    if (chunk.length > 1) this.protocol._handlers.CHANNEL_DATA(undefined, 0, chunk);
  }
}

test("A small read is answered with a packet that says nothing.", async () => {
  const scene = new Scene();
  scene.stream.emit("data", Buffer.alloc(3));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(scene.sent.splice(0), [[2, 0, 0, 0, 0]]);
  assert.equal(await scene.reads(4096), 1);
});

test("So is what is no data, an opened channel, an end or a close: what follows would wait for it.", async () => {
  assert.equal(await new Scene().reads(1), 1);
});

test("A large packet is not answered, nor is a part of one.", async () => {
  const scene = new Scene();
  assert.deepEqual([await scene.reads(4097), await scene.reads(32_768), await scene.reads(0)], [0, 0, 0]);
});

test("The small packets of a bulk flow are not answered, and those of the talk after it are.", async () => {
  const scene = new Scene();
  assert.equal(await scene.reads(65_536), 0);
  assert.equal(await scene.reads(3), 0);
  scene.nowMs += 101;
  assert.equal(await scene.reads(3), 1);
});

test("Where something of ours goes out anyway, or waits to, nothing is added.", async () => {
  const scene = new Scene();
  const word = () => {
    scene.given += 80;
  };
  assert.equal(await scene.reads(3, word), 0);
  scene.waiting = 10;
  assert.equal(await scene.reads(3), 0);
  scene.waiting = 0;
  assert.equal(await scene.reads(3), 1);
});

test("In a conversation, where our next word carries it, a read is answered only when none comes.", async () => {
  const scene = new Scene();
  scene.given += 80;
  assert.equal(await scene.reads(3), 0);
  // The word came in time.
  scene.given += 80;
  assert.equal(await scene.reads(4), 0);
  scene.nowMs += 2;
  while (scene.sent.length === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(scene.sent.splice(0).length, 1);
  // From here on the server speaks alone.
  assert.deepEqual([await scene.reads(1), await scene.reads(2)], [1, 1]);
});

test("A server that was seen to wait is answered at once for a while, also in a conversation.", async () => {
  const scene = new Scene();
  assert.equal(await scene.reads(3), 1);
  let answered = 0;
  for (let round = 0; round < 40; round++) {
    scene.given += 80;
    answered += await scene.reads(3);
  }
  assert.equal(answered, 32);
});

test("Several reads in one turn are answered once.", async () => {
  const scene = new Scene();
  assert.equal(await scene.reads(3, () => scene.stream.emit("data", Buffer.alloc(4))), 1);
});

test("During a key exchange, and after the end of the connection, nothing is sent.", async () => {
  const exchanging = new Scene();
  exchanging.protocol._kexinit = {};
  const ended = new Scene();
  (ended.protocol as { _destruct: unknown })._destruct = undefined;
  assert.deepEqual([await exchanging.reads(3), await ended.reads(3)], [0, 0]);
});

test("An ssh2 that looks different is left alone.", () => {
  const stream = new PassThrough();
  answerSmallReads({} as Client, stream, { given: 0, sent: 0 });
  assert.equal(stream.listenerCount("data"), 0);
});
