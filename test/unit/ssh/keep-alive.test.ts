import assert from "node:assert/strict";
import { test } from "node:test";
import { type AliveClock, KeepAlive } from "../../../src/ssh/keep-alive.ts";

/** A clock that goes on when the test says so. */
class PlayedClock implements AliveClock {
  ms = 0;
  #timers: { atMs: number; act: () => void }[] = [];

  now = () => this.ms;

  after = (ms: number, act: () => void) => {
    const timer = { atMs: this.ms + ms, act };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  };

  get waiting(): number {
    return this.#timers.length;
  }

  goTo(ms: number): void {
    for (;;) {
      const [next] = this.#timers.filter(({ atMs }) => atMs <= ms).sort((one, other) => one.atMs - other.atMs);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((each) => each !== next);
      this.ms = Math.max(this.ms, next.atMs);
      next.act();
    }
    this.ms = ms;
  }
}

/** How long after its time the server is given up: what has arrived is read first. */
const readingMs = 50;

function play(intervalMs: number, countMax: number) {
  const clock = new PlayedClock();
  const [asked, givenUp]: [number[], number[]] = [[], []];
  const traffic = { heardMs: 0 };
  const outgoing = { given: 0, sent: 0 };
  const ports = {
    ping: async () => {
      asked.push(clock.ms);
      outgoing.given += 60;
      throw new Error("the session has ended");
    },
  };
  const deps = { ports, traffic, outgoing, giveUp: () => void givenUp.push(clock.ms) };
  const alive = new KeepAlive({ keepAliveIntervalMs: intervalMs, keepAliveCountMax: countMax }, deps, clock);
  const hear = (ms: number) => {
    clock.goTo(ms);
    traffic.heardMs = ms;
  };
  return { alive, clock, asked, givenUp, outgoing, hear };
}

for (const [countMax, questionsMs, endMs] of [
  [3, [1000, 2000, 3000], 4000],
  [1, [1000], 2000],
  [0, [], 1000],
] as const) {
  test(`With ServerAliveCountMax ${countMax} a silent server is asked, and given up after interval x (count + 1).`, () => {
    const { clock, asked, givenUp } = play(1000, countMax);
    clock.goTo(100_000);
    assert.deepEqual([asked, givenUp, clock.waiting], [questionsMs, [endMs + readingMs], 0]);
  });
}

test("Any bytes begin the interval and the count again, whenever they come.", () => {
  const { clock, asked, givenUp, hear } = play(1000, 1);
  hear(999);
  clock.goTo(1998);
  assert.deepEqual(asked, []);
  hear(2998);
  assert.deepEqual([asked, givenUp], [[1999], []]);
  clock.goTo(10_000);
  assert.deepEqual([asked, givenUp], [[1999, 3998], [4998 + readingMs]]);
});

test("A server that is heard all the time is never asked.", () => {
  const { clock, asked, givenUp, hear } = play(1000, 1);
  for (let ms = 0; ms < 60_000; ms += 900) hear(ms);
  assert.deepEqual([asked, givenUp, clock.waiting], [[], [], 1]);
});

test("With ServerAliveInterval 0 nothing is asked and nobody given up.", () => {
  const { clock, asked, givenUp } = play(0, 3);
  clock.goTo(1_000_000);
  assert.deepEqual([asked, givenUp, clock.waiting], [[], [], 0]);
});

test("A program that was stopped for a while reads what came meanwhile before it gives the server up.", () => {
  const { clock, givenUp, hear } = play(1000, 1);
  clock.goTo(1000);
  // The timer is due long before the bytes are read.
  clock.goTo(2000);
  hear(2000 + readingMs - 1);
  clock.goTo(3000);
  assert.deepEqual(givenUp, []);
  clock.goTo(10_000);
  assert.deepEqual(givenUp, [2000 + readingMs - 1 + 2000 + readingMs]);
});

test("On a very slow line the time begins when the question has left, and a line that takes nothing is given up.", () => {
  const { clock, asked, givenUp, outgoing } = play(1000, 2);
  outgoing.given = 100_000;
  outgoing.sent = 1000;
  for (let ms = 1000; ms <= 30_000; ms += 500) {
    clock.goTo(ms);
    outgoing.sent += 1000;
  }
  assert.deepEqual([asked, givenUp], [[1000], []]);
  // From here on the line takes nothing.
  clock.goTo(31_000);
  clock.goTo(60_000);
  assert.deepEqual([asked, givenUp], [[1000, 32_000], [33_000 + readingMs]]);
});

test("What is sent behind the question proves nothing: a system takes it for a dead server too.", () => {
  const { clock, asked, givenUp, outgoing } = play(1000, 2);
  for (let ms = 0; ms <= 5000; ms += 100) {
    clock.goTo(ms);
    outgoing.given += 5000;
    outgoing.sent = outgoing.given - 1000;
  }
  // The first look after the question sees that the bytes before it have left; that counts once.
  assert.deepEqual([asked, givenUp], [[1000, 3000], [4000 + readingMs]]);
});

test("A probe asks at once, and a server that says nothing within its time is given up.", () => {
  const { alive, clock, asked, givenUp } = play(60_000, 3);
  clock.goTo(10_000);
  alive.probe(5000);
  assert.deepEqual(asked, [10_000]);
  clock.goTo(14_999);
  assert.deepEqual(givenUp, []);
  clock.goTo(100_000);
  assert.deepEqual([givenUp, clock.waiting], [[15_000 + readingMs], 0]);
});

test("A probe that is answered changes nothing, and two at once do no harm.", () => {
  const { alive, clock, asked, givenUp, hear } = play(0, 3);
  alive.probe(5000);
  alive.probe(2000);
  hear(1000);
  clock.goTo(100_000);
  assert.deepEqual([asked, givenUp, clock.waiting], [[0, 0], [], 0]);
});

test("Two probes without an answer give the server up once.", () => {
  const { alive, clock, givenUp } = play(1000, 1);
  alive.probe(1500);
  alive.probe(1500);
  clock.goTo(100_000);
  assert.deepEqual([givenUp, clock.waiting], [[1500 + readingMs], 0]);
});

test("A probe on a very slow line waits as long as the data before it leaves.", () => {
  const { alive, clock, givenUp, outgoing } = play(0, 3);
  outgoing.given = 10_000;
  alive.probe(1000);
  for (const ms of [900, 1900, 2900]) {
    clock.goTo(ms);
    outgoing.sent += 1000;
  }
  clock.goTo(3999);
  assert.deepEqual(givenUp, []);
  clock.goTo(10_000);
  assert.deepEqual(givenUp, [4000 + readingMs]);
});

test("When the session is over nobody is asked and nobody given up.", () => {
  const { alive, clock, asked, givenUp } = play(1000, 1);
  alive.probe(100);
  alive.stop();
  alive.probe(100);
  clock.goTo(100_000);
  assert.deepEqual([asked, givenUp, clock.waiting], [[0], [], 0]);
});
