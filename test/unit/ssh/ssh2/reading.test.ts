import assert from "node:assert/strict";
import { test } from "node:test";
import { hearDebug, hearPackets } from "../../../../src/ssh/ssh2/reading.ts";
import type { Handlers } from "../../../../src/ssh/ssh2/view.ts";

test("A packet is told before ssh2 looks at it, and ssh2 hears of it with and without a listener.", () => {
  const story: string[] = [];
  const protocol = { _onPacket: () => void story.push("ssh2") };
  const onPacket = hearPackets(protocol);
  protocol._onPacket();
  onPacket(() => story.push("listener"));
  protocol._onPacket();
  assert.deepEqual(story, ["ssh2", "listener", "ssh2"]);
});

test("What a server says for debugging is heard by all who ask, and ssh2's own trace goes on.", () => {
  const story: unknown[] = [];
  const handlers: Pick<Handlers, "DEBUG"> = { DEBUG: (_self, display, text) => void story.push([display, text]) };
  const onDebug = hearDebug(handlers);
  for (const name of ["first", "second"]) onDebug((text) => story.push(`${name} ${text}`));
  handlers.DEBUG?.(undefined, true, "one");
  handlers.DEBUG?.(undefined, false, undefined);
  assert.deepEqual(story, [[true, "one"], "first one", "second one", [false, undefined]]);
});

test("It needs no trace to be heard, and nobody has to listen.", () => {
  const heard: string[] = [];
  const handlers: Pick<Handlers, "DEBUG"> = {};
  const onDebug = hearDebug(handlers);
  handlers.DEBUG?.(undefined, true, "unheard");
  onDebug((text) => heard.push(text));
  handlers.DEBUG?.(undefined, true, "heard");
  assert.deepEqual(heard, ["heard"]);
});
