import assert from "node:assert/strict";
import { test } from "node:test";
import type { Client } from "ssh2";
import { hearServerDebug } from "../../../../src/ssh/channel/server-debug.ts";

type Handler = (self: unknown, display: boolean, text: unknown) => void;

test("What a server says for debugging is heard, and ssh2's own trace goes on.", () => {
  const heard: string[] = [];
  const traced: unknown[] = [];
  const handlers: { DEBUG?: Handler } = { DEBUG: (_self, display, text) => void traced.push([display, text]) };
  hearServerDebug({ _protocol: { _handlers: handlers } } as unknown as Client, (text) => void heard.push(text));
  handlers.DEBUG?.(undefined, true, "one");
  handlers.DEBUG?.(undefined, false, undefined);
  assert.deepEqual(heard, ["one"]);
  assert.deepEqual(traced, [
    [true, "one"],
    [false, undefined],
  ]);
});

test("It needs no trace to be heard, and an ssh2 that looks different is left alone.", () => {
  const heard: string[] = [];
  const handlers: { DEBUG?: Handler } = {};
  hearServerDebug({ _protocol: { _handlers: handlers } } as unknown as Client, (text) => void heard.push(text));
  handlers.DEBUG?.(undefined, true, "one");
  assert.deepEqual(heard, ["one"]);
  hearServerDebug({} as Client, () => assert.fail("nothing can be heard"));
});
