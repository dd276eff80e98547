import assert from "node:assert/strict";
import { isIP } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import type { Cancel } from "../../../src/flow/conn.ts";
import { type AddressRace, firstConnected, inTurn } from "../../../src/io/happy-eyeballs.ts";
import { quiet, stateOf } from "../../kit/carried-flow.ts";
import { Waiting } from "../../kit/waiting.ts";

/** A time that no test waits for. */
const never = 1_000_000;

test("The families take turns, the system's first address stays the first, and each address comes once.", () => {
  assert.deepEqual(inTurn(["::1", "::2", "::3", "10.0.0.1", "10.0.0.2"]), [
    "::1",
    "10.0.0.1",
    "::2",
    "10.0.0.2",
    "::3",
  ]);
  assert.deepEqual(inTurn(["10.0.0.1", "::1", "::2", "::3"]), ["10.0.0.1", "::1", "::2", "::3"]);
  assert.deepEqual(inTurn(["10.0.0.1", "10.0.0.1", "10.0.0.2"]), ["10.0.0.1", "10.0.0.2"]);
  assert.deepEqual(inTurn([]), []);
});

test("Whatever the system's answer: no address is lost, and inside a family its order is kept.", () => {
  const addresses = fc.array(fc.oneof(fc.ipV4(), fc.ipV6()), { maxLength: 12 });
  fc.assert(
    fc.property(addresses, (all) => {
      const turns = inTurn(all);
      const once = [...new Set(all)];
      assert.equal(turns[0], all[0]);
      for (const family of [4, 6]) {
        const of = (each: string) => isIP(each) === family;
        assert.deepEqual(turns.filter(of), once.filter(of));
      }
      const sizes = [4, 6].map((family) => once.filter((each) => isIP(each) === family).length);
      const mixed = turns.slice(0, 2 * Math.min(...sizes));
      assert.ok(mixed.every((each, index) => index === 0 || isIP(each) !== isIP(mixed[index - 1] ?? "")));
    }),
  );
});

test("Who answers first wins; the others are ended, and one that still connects is closed.", async () => {
  const made = race({ delayMs: 0 });
  const won = firstConnected(["a", "b", "c"], made.race);
  await made.begun("c");
  made.answer("b");
  assert.equal(await won, "b");
  assert.deepEqual(made.log, ["a", "b beside", "c beside"]);
  assert.deepEqual(made.lost(), ["a", "b", "c"]);
  made.answer("a");
  made.refuse("c");
  await quiet();
  assert.deepEqual(made.discarded, ["a"]);
});

test("When the first address answers in time, no second one is tried.", async () => {
  const made = race({ delayMs: never });
  const won = firstConnected(["a", "b"], made.race);
  made.answer("a");
  assert.equal(await won, "a");
  await quiet();
  assert.deepEqual([made.log, made.discarded], [["a"], []]);
});

test("A process that has much to do all the time comes to the second address too.", { timeout: 20_000 }, async () => {
  const made = race({ delayMs: 1 });
  let isBusy = true;
  const work = () => {
    const until = performance.now() + 25;
    while (performance.now() < until);
    if (isBusy) setTimeout(work);
  };
  work();
  const won = firstConnected(["a", "b"], made.race);
  await made.begun("b");
  isBusy = false;
  made.answer("b");
  assert.equal(await won, "b");
});

test("After a failure the next address is tried at once.", async () => {
  const made = race({ delayMs: never });
  const won = firstConnected(["a", "b", "c"], made.race);
  made.refuse("a");
  await made.begun("b");
  made.refuse("b");
  await made.begun("c");
  made.answer("c");
  assert.equal(await won, "c");
  assert.deepEqual(made.log, ["a", "b", "c"], "one after the other: none beside another");
});

test("The failure of an earlier address does not hurry the one after the next.", async () => {
  const made = race();
  const won = firstConnected(["a", "b", "c"], {
    ...made.race,
    get delayMs() {
      return made.log.length < 2 ? 0 : never;
    },
  });
  await made.begun("b");
  made.refuse("a");
  await quiet();
  assert.deepEqual(made.log, ["a", "b beside"]);
  made.refuse("b");
  await made.begun("c");
  made.answer("c");
  assert.equal(await won, "c");
});

test("While no other may be added, an address is tried after the one before has failed, and then again beside.", async () => {
  let mayAdd = false;
  let asked = 0;
  const asking = new Waiting();
  const made = race({ delayMs: 0 });
  const won = firstConnected(["a", "b", "c"], {
    ...made.race,
    mayAdd: () => {
      asked += 1;
      asking.change();
      return mayAdd;
    },
  });
  await asking.until("two looks", () => (asked >= 2 ? true : undefined));
  assert.deepEqual(made.log, ["a"]);
  made.refuse("a");
  await made.begun("b");
  mayAdd = true;
  await made.begun("c");
  made.answer("c");
  assert.equal(await won, "c");
  assert.deepEqual(made.log, ["a", "b", "c beside"]);
});

test("When all fail, the failures are judged in the order of the addresses, whichever came last.", async () => {
  const made = race({ delayMs: 0 });
  const won = firstConnected(["a", "b"], made.race);
  await made.begun("b");
  made.refuse("b");
  await quiet();
  assert.equal(await stateOf(won), "pending");
  made.refuse("a");
  await assert.rejects(won, { message: "no a, no b" });
});

test("An abort rejects at once with its reason, ends what was begun, and nothing more is begun.", async () => {
  const stop = new AbortController();
  const reason = new Error("stopped");
  const made = race({ delayMs: 0, signal: stop.signal });
  const won = firstConnected(["a", "b", "c"], { ...made.race, mayAdd: () => made.log.length < 2 });
  await made.begun("b");
  stop.abort(reason);
  assert.deepEqual(made.lost(), ["a", "b"]);
  await assert.rejects(won, reason);
  made.refuse("a");
  made.answer("b");
  await quiet();
  assert.deepEqual([made.log, made.discarded], [["a", "b beside"], ["b"]]);
  await assert.rejects(firstConnected(["a"], race({ signal: AbortSignal.abort(reason) }).race), reason);
});

/** A race in which the test answers for the addresses. */
function race({
  delayMs = never,
  signal = new AbortController().signal,
}: {
  readonly delayMs?: number;
  readonly signal?: AbortSignal;
} = {}) {
  const log: string[] = [];
  const discarded: string[] = [];
  const attempts = new Map<string, PromiseWithResolvers<string> & { readonly lost: Cancel }>();
  const waiting = new Waiting();
  const attempt = (address: string) => {
    const found = attempts.get(address);
    assert.ok(found, `${address} is not tried`);
    return found;
  };
  const made: AddressRace<string> = {
    signal,
    delayMs,
    connect(address, lost, isBeside) {
      log.push(isBeside ? `${address} beside` : address);
      attempts.set(address, { ...Promise.withResolvers<string>(), lost });
      waiting.change();
      return attempt(address).promise;
    },
    discard: (connection) => discarded.push(connection),
    mayAdd: () => true,
    blame: (failures) => new Error(failures.map((each) => (each as Error).message).join(", ")),
  };
  return {
    race: made,
    log,
    discarded,
    begun: (address: string) => waiting.until(`an attempt at ${address}`, () => attempts.get(address)),
    answer: (address: string) => attempt(address).resolve(address),
    refuse: (address: string) => attempt(address).reject(new Error(`no ${address}`)),
    lost: () => [...attempts].filter(([, { lost }]) => lost.aborted).map(([address]) => address),
  };
}
