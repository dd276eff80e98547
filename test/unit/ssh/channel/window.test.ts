import assert from "node:assert/strict";
import { test } from "node:test";
import { type ChannelModule, openWindowsEarly } from "../../../../src/ssh/channel/window.ts";

const windowBytes = 2 * 1024 * 1024;

function module() {
  const opened: number[] = [];
  const fake: ChannelModule = {
    MAX_WINDOW: windowBytes,
    WINDOW_THRESHOLD: windowBytes / 2,
    windowAdjust: (channel) => void opened.push(channel.incoming.window),
    Channel: { prototype: { _read() {} } },
  };
  return { fake, opened };
}

test("The window is opened again after 128 KiB, and not for less.", () => {
  const { fake, opened } = module();
  openWindowsEarly(fake);
  assert.equal(fake.WINDOW_THRESHOLD, windowBytes - 128 * 1024);
  for (const used of [0, 128 * 1024 - 1, 128 * 1024, windowBytes]) {
    const channel = { _waitChanDrain: true, incoming: { window: windowBytes - used } };
    fake.Channel.prototype._read.call(channel);
    assert.equal(channel._waitChanDrain, false);
  }
  assert.deepEqual(opened, [windowBytes - 128 * 1024, 0]);
});

test("A channel that never had to wait is left alone.", () => {
  const { fake, opened } = module();
  openWindowsEarly(fake);
  fake.Channel.prototype._read.call({ _waitChanDrain: false, incoming: { window: 0 } });
  assert.deepEqual(opened, []);
});

test("An ssh2 that looks different stays as it is.", () => {
  const module = { WINDOW_THRESHOLD: 1 };
  openWindowsEarly(module);
  assert.deepEqual(module, { WINDOW_THRESHOLD: 1 });
});

test("ssh2 itself has what is changed here.", async () => {
  const real = (await import("ssh2/lib/Channel.js")).default;
  assert.equal(real.MAX_WINDOW, windowBytes);
  assert.equal(typeof real.windowAdjust, "function");
  assert.equal(typeof real.Channel?.prototype._read, "function");
});
