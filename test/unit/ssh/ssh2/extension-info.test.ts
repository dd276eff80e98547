import assert from "node:assert/strict";
import { test } from "node:test";
import { writeStrings } from "../../../../src/codec/ssh-string.ts";
import type { ExchangingView, KexHandler } from "../../../../src/ssh/ssh2/exchange-view.ts";
import { extensionOf, keepExtensions } from "../../../../src/ssh/ssh2/extension-info.ts";

const info = (value: string) => Buffer.concat([Buffer.from([7, 0, 0, 0, 1]), writeStrings("some@thing", value)]);

function protocol(): ExchangingView {
  return { _server: false, _onError: () => assert.fail() };
}

test("What ssh2 drops is kept for each connection, and ssh2 has the message as it came.", () => {
  const heard: unknown[] = [];
  const handlers: Record<number, KexHandler | undefined> = {
    7: (self, payload) => {
      heard.push([self, payload]);
      return "answer";
    },
  };
  keepExtensions(handlers);
  const [one, other] = [protocol(), protocol()];
  const payload = info("0");
  assert.equal(handlers[7]?.(one, payload), "answer");
  assert.deepEqual(heard, [[one, payload]]);
  assert.deepEqual([extensionOf(one, "some@thing"), extensionOf(other, "some@thing")], ["0", undefined]);
  assert.equal(extensionOf(one, "else"), undefined);
});

test("A second message of the server changes nothing.", () => {
  const handlers: Record<number, KexHandler | undefined> = { 7: () => undefined };
  keepExtensions(handlers);
  const one = protocol();
  handlers[7]?.(one, info("0"));
  handlers[7]?.(one, info("1"));
  assert.equal(extensionOf(one, "some@thing"), "0");
});

test("An ssh2 that does not read the message is an error.", () => {
  assert.throws(() => keepExtensions({}), /does not read/);
});
