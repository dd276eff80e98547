import assert from "node:assert/strict";
import { test } from "node:test";
import { ExpectedBytes } from "../../kit/expected-bytes.ts";
import { faultyRelay } from "../../kit/faulty-relay.ts";
import { hearFirstByte, playExchange } from "../../kit/hashed-client.ts";
import { HashedLoad } from "../../kit/hashed-load.ts";
import { answerOf, hashedTarget } from "../../kit/hashed-target.ts";
import { randomBytes, randomChunks } from "../../kit/random.ts";
import { freePort, serve } from "../../kit/servers.ts";

const timeout = 20_000;
const exchange = { up: 300_000, down: 400_000, seed: 5 };

test("Bytes are right in any pieces, and the end says whether they are all.", () => {
  const all = randomBytes(200_000, 3);
  for (const step of [1, 777, 65_536, 200_000]) {
    const expected = new ExpectedBytes(randomChunks(200_000, 3));
    for (let at = 0; at < all.length; at += step) {
      assert.equal(expected.verdict(true), "short");
      expected.take(all.subarray(at, at + step));
    }
    assert.deepEqual([expected.verdict(true), expected.verdict(false)], ["whole", "broken"]);
    expected.take(Uint8Array.of(1));
    assert.equal(expected.verdict(true), "wrong");
  }
  const expected = new ExpectedBytes(randomChunks(200_000, 3));
  expected.take(all.subarray(0, 70_000));
  expected.take(all.subarray(70_001));
  assert.deepEqual([expected.verdict(false), expected.bytes], ["wrong", 199_999]);
  assert.equal(new ExpectedBytes([]).verdict(true), "whole");
});

test("On a good way both ends have all.", { timeout }, async () => {
  await using target = await hashedTarget();
  for (const [up, down] of [
    [0, 0],
    [300_000, 0],
    [0, 300_000],
    [300_000, 400_000],
  ] as const) {
    const { outcome } = await playExchange(target, { up, down, seed: 5 });
    assert.equal(outcome, "whole");
  }
  assert.deepEqual(target.verdicts, { whole: 4, short: 0, broken: 0, wrong: 0 });
  assert.equal(await hearFirstByte(target), "heard");
});

test("A reset in the middle is broken on both ends, and a FIN in the middle is short.", { timeout }, async () => {
  for (const [how, there, here] of [
    ["cut", "broken", "broken"],
    ["finish", "short", "short"],
  ] as const) {
    await using target = await hashedTarget();
    await using relay = await faultyRelay(target, { bytesPerSecond: 1_000_000 });
    const played = playExchange(relay, { up: 20_000_000, down: 20_000_000, seed: 5 });
    // Two that came later are through, one after the other: so the first one is in the middle.
    for (let visit = 0; visit < 2; visit++) assert.equal(await hearFirstByte(relay), "heard");
    relay[how]();
    assert.equal((await played).outcome, there);
    // The target hears of it by itself.
    while (target.verdicts[here] === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(target.complaints.length, here === "short" ? 1 : 0);
  }
});

test("Wrong bytes, a refusal, silence and a proxy's no are told apart.", { timeout }, async () => {
  const right = Buffer.concat([...answerOf(exchange)]);
  await using wrong = await serve({}, (socket) => {
    socket.resume();
    socket.end(Buffer.concat([right.subarray(0, -1), Buffer.from("?")]));
  });
  assert.deepEqual(await playExchange(wrong, exchange), { outcome: "wrong", bytes: right.length });
  await using silent = await serve({}, (socket) => void socket.resume().end());
  assert.deepEqual(await playExchange(silent, exchange), { outcome: "unheard", bytes: 0 });
  assert.equal(await hearFirstByte(silent), "unheard");
  const nobody = { port: await freePort() };
  assert.deepEqual(await playExchange(nobody, exchange), { outcome: "refused", bytes: 0 });
  assert.equal(await hearFirstByte(nobody), "refused");
  await using proxy = await serve(
    {},
    (socket) => void socket.resume().end(Buffer.from([5, 0, 5, 4, 0, 1, 0, 0, 0, 0, 0, 0])),
  );
  assert.deepEqual(await playExchange({ port: proxy.port, socksTo: 80 }, exchange), { outcome: "refused", bytes: 0 });
});

test("A load goes on until it is stopped, and counts by entrance.", { timeout }, async () => {
  await using target = await hashedTarget();
  const nobody = await freePort();
  await using load = new HashedLoad(
    [
      { name: "good", port: target.port, clients: 3 },
      { name: "bad", port: nobody, clients: 1 },
    ],
    11,
  );
  while (load.of("good").whole < 10 || load.of("bad").refused < 2)
    await new Promise((resolve) => setImmediate(resolve));
  await load.stop();
  const { whole, ...others } = load.of("good");
  assert.deepEqual(others, { short: 0, broken: 0, wrong: 0, refused: 0, unheard: 0, stuck: 0 });
  assert.equal(target.verdicts.whole, whole);
  assert.deepEqual(load.complaints, []);
});

test("A client that hangs is given up, and counted.", { timeout }, async () => {
  await using target = await hashedTarget();
  await using relay = await faultyRelay(target);
  relay.swallow();
  await using load = new HashedLoad([{ name: "hangs", port: relay.port, clients: 2 }], 12);
  while (relay.accepted < 2) await new Promise((resolve) => setImmediate(resolve));
  await load.stop(0);
  assert.equal(load.of("hangs").stuck, 2);
});
