import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import type { Ports } from "../../../src/ssh/ssh2/ports.ts";
import type { Answering } from "../../../src/ssh/ssh2/sending.ts";
import { Answers } from "../../../src/ssh/unsent-answers.ts";

const mebibyte = 1024 * 1024;

/** A session whose network takes what `takes` says. Each answer has 40 bytes. */
class Scene {
  given = 0;
  sent = 0;
  readonly stream = new PassThrough();
  /** A key exchange holds back what is to be sent. */
  isHolding = false;
  readonly answers: Answers;
  #answering: Answering | undefined;

  constructor() {
    const scene = this;
    this.stream.resume();
    const ports: Pick<Ports, "onAnswer" | "isHolding"> = {
      onAnswer: (answering) => {
        this.#answering = answering;
      },
      get isHolding() {
        return scene.isHolding;
      },
    };
    this.answers = new Answers(ports, this.stream, {
      get given() {
        return scene.given;
      },
      get sent() {
        return scene.sent;
      },
    });
  }

  asks(times: number, answerBytes = 40): void {
    for (let count = 0; count < times; count++) this.#answering?.(() => this.sends(answerBytes));
  }

  /** Of our own accord, unless it is an answer. */
  sends(bytes: number): void {
    if (!this.isHolding) this.given += bytes;
  }

  /** The network has taken all but so much. */
  takes(left = 0): void {
    this.sent = this.given - left;
    this.stream.emit("drain");
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
    scene.sends(32_768);
    scene.asks(1);
    // Four megabytes wait all the time.
    scene.sent = Math.max(0, scene.given - 4 * mebibyte);
  }
  assert.equal(scene.answers.isStalled, false);
  assert.ok(scene.answers.waitingBytes < 10_000, String(scene.answers.waitingBytes));
});

test("Answers count with all the bytes that they have.", () => {
  const scene = new Scene();
  scene.asks(3000, 440);
  assert.equal(scene.answers.waitingBytes, 1_320_000);
  assert.equal(scene.answers.isStalled, true);
});

test("Answers that a key exchange holds back count too, and have their place when it is over.", () => {
  const scene = new Scene();
  scene.isHolding = true;
  scene.asks(10_000);
  assert.equal(scene.answers.waitingBytes, 640_000);
  scene.asks(10_000);
  assert.equal(scene.answers.isStalled, true);
  scene.isHolding = false;
  scene.given += 20_000 * 40;
  assert.ok(scene.answers.waitingBytes > mebibyte);
  scene.takes();
  assert.deepEqual([scene.answers.isStalled, scene.answers.waitingBytes], [false, 0]);
});
