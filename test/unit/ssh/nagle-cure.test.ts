import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { answerSmallReads, needsNagleCure } from "../../../src/ssh/nagle-cure.ts";
import type { Ports } from "../../../src/ssh/ssh2/ports.ts";

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
  /** Packets that say nothing and were sent. */
  ignored = 0;
  nowMs = 1000;
  given = 100;
  /** Bytes that the network has not taken. */
  waiting = 0;
  /** While keys are exchanged, and after the end, nothing is sent (ssh2/sending.ts). */
  isSending = true;
  #heardPacket = () => {};
  #heardData = (_bytes: number) => {};

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
    const ports: Pick<Ports, "onPacket" | "onData" | "sendIgnore"> = {
      onPacket: (told) => {
        this.#heardPacket = told;
      },
      onData: (told) => {
        this.#heardData = told;
      },
      sendIgnore: () => this.#sendIgnore(),
    };
    answerSmallReads(ports, this.stream, outgoing, () => this.nowMs);
  }

  /** One read, and the turn after it: how many answers it got. `meanwhile` is what happens before that. */
  async reads(bytes: number, meanwhile = () => {}): Promise<number> {
    this.stream.emit("data", Buffer.alloc(bytes));
    meanwhile();
    await new Promise((resolve) => setImmediate(resolve));
    return this.answered();
  }

  /** How many answers were sent since the last look. */
  answered(): number {
    const count = this.ignored;
    this.ignored = 0;
    return count;
  }

  #take(chunk: Uint8Array): void {
    // Part of a packet.
    if (chunk.length === 0) return;
    this.#heardPacket();
    if (chunk.length > 1) this.#heardData(chunk.length);
  }

  #sendIgnore(): void {
    if (!this.isSending) return;
    this.ignored += 1;
    this.given += 36;
  }
}

test("A small read is answered with a packet that says nothing.", async () => {
  const scene = new Scene();
  assert.deepEqual([await scene.reads(3), await scene.reads(4096)], [1, 1]);
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
  while (scene.ignored === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(scene.answered(), 1);
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

test("An answer that a key exchange does not let out is not missed: the next read gets its own.", async () => {
  const scene = new Scene();
  scene.isSending = false;
  assert.equal(await scene.reads(3), 0);
  scene.isSending = true;
  assert.equal(await scene.reads(3), 1);
});
