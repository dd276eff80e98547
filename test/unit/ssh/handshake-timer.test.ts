import assert from "node:assert/strict";
import { test } from "node:test";
import { HandshakeTimer } from "../../../src/ssh/handshake-timer.ts";

/** The runtime's timers in the test's hands, for as long as `play` runs. */
function withTimers(play: (running: Map<number, { readonly ms: number; readonly expire: () => void }>) => void): void {
  const running = new Map<number, { readonly ms: number; readonly expire: () => void }>();
  const real = { setTimeout, clearTimeout };
  let made = 0;
  Object.assign(globalThis, {
    setTimeout(expire: () => void, ms: number) {
      running.set(++made, { ms, expire });
      return made;
    },
    clearTimeout: (id: number) => void running.delete(id),
  });
  try {
    play(running);
  } finally {
    Object.assign(globalThis, real);
  }
}

const untold = () => assert.fail("it expired");

test("When its time is over that is told, with how long it was.", async () => {
  assert.equal(await new Promise<number>((resolve) => void new HandshakeTimer(5, resolve)), 5);
});

test("It runs from the start, stands while it is paused, and has its whole time again after that.", () => {
  withTimers((running) => {
    const told: number[] = [];
    const timer = new HandshakeTimer(30_000, (ms) => told.push(ms));
    assert.deepEqual(
      [...running.values()].map(({ ms }) => ms),
      [30_000],
    );
    timer.pause();
    assert.equal(running.size, 0);
    timer.pause();
    timer.resume();
    const [again] = running.values();
    assert.deepEqual([running.size, again?.ms], [1, 30_000]);
    again?.expire();
    assert.deepEqual(told, [30_000]);
  });
});

test("Once it is stopped nothing makes it run again: an answer may come after all is over.", () => {
  withTimers((running) => {
    const timer = new HandshakeTimer(30_000, untold);
    timer.stop();
    assert.equal(running.size, 0);
    timer.resume();
    assert.equal(running.size, 0);
    timer.stop();
  });
});

test("It can be stopped while it is paused.", () => {
  withTimers((running) => {
    const timer = new HandshakeTimer(30_000, untold);
    timer.pause();
    timer.stop();
    timer.resume();
    assert.equal(running.size, 0);
  });
});
