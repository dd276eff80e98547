import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import type { Client } from "ssh2";
import { Answers } from "../../../src/ssh/answers.ts";

const mebibyte = 1024 * 1024;

/** A session whose network takes what `takes` says. Each answer has 40 bytes. */
class Scene {
  given = 0;
  sent = 0;
  readonly stream = new PassThrough();
  readonly protocol: {
    requestFailure(): void;
    channelOpenFail(recipient: number, reason: number, text: string): void;
    channelData(): void;
    _queue: unknown[] | undefined;
  } = {
    requestFailure: () => this.#send(40),
    channelOpenFail: (_recipient, _reason, text) => this.#send(40 + text.length),
    channelData: () => this.#send(32_768),
    _queue: undefined,
  };
  readonly answers: Answers;

  constructor() {
    const scene = this;
    this.stream.resume();
    this.answers = new Answers({ _protocol: this.protocol } as unknown as Client, this.stream, {
      get given() {
        return scene.given;
      },
      get sent() {
        return scene.sent;
      },
    });
  }

  asks(times: number): void {
    for (let count = 0; count < times; count++) this.protocol.requestFailure();
  }

  /** The network has taken all but so much. */
  takes(left = 0): void {
    this.sent = this.given - left;
    this.stream.emit("drain");
  }

  #send(bytes: number): void {
    if (this.protocol._queue === undefined) this.given += bytes;
    else this.protocol._queue.push(bytes);
  }
}

test("While more than 1 MiB of answers waits nothing is read, and it goes on when they are sent.", () => {
  const scene = new Scene();
  scene.asks(Math.floor(mebibyte / 40));
  assert.deepEqual([scene.answers.isStalled, scene.stream.isPaused()], [false, false]);
  scene.asks(2);
  assert.deepEqual([scene.answers.isStalled, scene.stream.isPaused()], [true, true]);
  scene.takes(600_000);
  assert.equal(scene.answers.isStalled, true);
  scene.takes();
  assert.deepEqual([scene.answers.isStalled, scene.stream.isPaused(), scene.answers.waitingBytes], [false, false, 0]);
});

test("A server that reads its answers may ask without end.", () => {
  const scene = new Scene();
  for (let round = 0; round < 100; round++) {
    scene.asks(20_000);
    scene.takes();
  }
  assert.equal(scene.answers.isStalled, false);
});

test("An upload on a slow line holds up nothing: only what answers the server counts.", () => {
  const scene = new Scene();
  for (let round = 0; round < 10_000; round++) {
    scene.protocol.channelData();
    scene.protocol.requestFailure();
    // Four megabytes wait all the time.
    scene.sent = Math.max(0, scene.given - 4 * mebibyte);
  }
  assert.equal(scene.answers.isStalled, false);
  assert.ok(scene.answers.waitingBytes < 10_000, String(scene.answers.waitingBytes));
});

test("Refusals count with the words that they have.", () => {
  const scene = new Scene();
  for (let count = 0; count < 3000; count++) scene.protocol.channelOpenFail(1, 1, "x".repeat(400));
  assert.equal(scene.answers.isStalled, true);
});

test("Answers that a key exchange holds back count too, and have their place when it is over.", () => {
  const scene = new Scene();
  scene.protocol._queue = [];
  scene.asks(10_000);
  assert.equal(scene.answers.waitingBytes, 640_000);
  scene.asks(10_000);
  assert.equal(scene.answers.isStalled, true);
  scene.protocol._queue = undefined;
  scene.given += 20_000 * 40;
  assert.ok(scene.answers.waitingBytes > mebibyte);
  scene.takes();
  assert.deepEqual([scene.answers.isStalled, scene.answers.waitingBytes], [false, 0]);
});

test("Of an ssh2 that looks different nothing is counted.", () => {
  const answers = new Answers({} as Client, new PassThrough(), { given: 0, sent: 0 });
  assert.deepEqual([answers.isStalled, answers.waitingBytes], [false, 0]);
});
