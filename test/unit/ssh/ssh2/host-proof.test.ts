import assert from "node:assert/strict";
import { test } from "node:test";
import type { ExchangeView, ExchangingView } from "../../../../src/ssh/ssh2/exchange-view.ts";
import { exchangesOf } from "../../../../src/ssh/ssh2/exchange-watch.ts";
import { keepProof } from "../../../../src/ssh/ssh2/host-proof.ts";

function made() {
  const protocol: ExchangingView = { _server: false, _onError: () => assert.fail() };
  const proof = keepProof(exchangesOf(protocol));
  const begin = (sessionID?: Buffer) => {
    const exchange = { sessionID, _hostKey: undefined, _sig: undefined } as unknown as ExchangeView;
    protocol._kex = exchange;
    return exchange;
  };
  return { begin, proof };
}

function answer(exchange: ExchangeView, hostKey: string, signature: string): void {
  exchange._hostKey = Buffer.from(hostKey);
  exchange._sig = Buffer.from(signature);
}

test("The key and the signature of the first exchange are kept when ssh2 clears its own.", () => {
  const { begin, proof } = made();
  const exchange = begin();
  assert.equal(proof(), undefined);
  answer(exchange, "key", "signature");
  assert.equal(String(exchange._sig), "signature");
  exchange._sig = undefined;
  assert.equal(exchange._sig, undefined);
  assert.deepEqual(proof(), { hostKey: Buffer.from("key"), signature: Buffer.from("signature") });
});

test("After new keys were exchanged the proof is still that of the first exchange.", () => {
  const { begin, proof } = made();
  answer(begin(), "key", "first");
  answer(begin(Buffer.from("id")), "key", "second");
  assert.equal(String(proof()?.signature), "first");
});

test("Whoever else looks at the signature sees each read and write.", () => {
  const protocol: ExchangingView = { _server: false, _onError: () => assert.fail() };
  const exchanges = exchangesOf(protocol);
  const story: string[] = [];
  exchanges.onMade((exchange) => {
    Object.defineProperty(exchange, "_sig", {
      configurable: true,
      get: () => story.push("read"),
      set: (bytes?: Buffer) => story.push(`write ${bytes}`),
    });
  });
  keepProof(exchanges);
  const exchange = {} as ExchangeView;
  protocol._kex = exchange;
  story.length = 0;
  answer(exchange, "key", "signature");
  assert.equal(exchange._sig as unknown, 2);
  assert.deepEqual(story, ["write signature", "read"]);
});
