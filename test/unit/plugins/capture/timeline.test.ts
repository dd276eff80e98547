import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Source, steadyClock, Timeline } from "../../../../plugins/capture/timeline.ts";

class Scripted implements Source {
  ready: boolean;
  givenUp = 0;

  constructor(ready: boolean) {
    this.ready = ready;
  }

  giveUp(): void {
    this.ready = true;
    this.givenUp += 1;
  }
}

/** A timeline whose clock counts its questions, and what it wrote: name and time. */
function written() {
  let now = 0n;
  const events: string[] = [];
  const timeline = new Timeline(() => {
    now += 1n;
    return now;
  });
  const add = (source: Source, name: string, bytes = 0) =>
    timeline.add(source, bytes, (timestampNs) => events.push(`${name}@${timestampNs}`));
  return { timeline, events, add };
}

const eightMegabytes = 8 * 1024 * 1024;

test("What is ready while nothing waits is written at once, with the time of the call.", () => {
  const { events, add } = written();
  const source = new Scripted(true);
  add(source, "a");
  assert.deepEqual(events, ["a@1"]);
  add(source, "b", 100_000_000);
  assert.deepEqual(events, ["a@1", "b@2"]);
});

test("While the first waits for its addresses all others wait behind it, and keep their order and times.", () => {
  const { timeline, events, add } = written();
  const [late, ready] = [new Scripted(false), new Scripted(true)];
  add(ready, "before");
  add(late, "syn");
  add(ready, "other");
  add(late, "data");
  add(ready, "another");
  assert.deepEqual(events, ["before@1"]);
  late.ready = true;
  timeline.advance();
  assert.deepEqual(events, ["before@1", "syn@2", "other@3", "data@4", "another@5"]);
});

test("One that becomes ready out of turn still waits for the one in front.", () => {
  const { timeline, events, add } = written();
  const [first, second] = [new Scripted(false), new Scripted(false)];
  add(first, "first");
  add(second, "second");
  add(first, "first again");
  second.ready = true;
  timeline.advance();
  assert.deepEqual(events, []);
  first.ready = true;
  timeline.advance();
  assert.deepEqual(events, ["first@1", "second@2", "first again@3"]);
  timeline.advance();
  assert.equal(events.length, 3, "nothing is written twice");
});

test("As much is written as can be: up to the next that waits.", () => {
  const { timeline, events, add } = written();
  const [first, second] = [new Scripted(false), new Scripted(false)];
  add(first, "a");
  add(second, "b");
  add(first, "c");
  first.ready = true;
  timeline.advance();
  assert.deepEqual(events, ["a@1"]);
  add(first, "d");
  assert.deepEqual(events, ["a@1"], "what comes later does not overtake");
  second.ready = true;
  timeline.advance();
  assert.deepEqual(events, ["a@1", "b@2", "c@3", "d@4"]);
});

test("When more than 8 MiB wait, the one in front goes on with what is known of it; others still wait.", () => {
  const { events, add } = written();
  const [first, second] = [new Scripted(false), new Scripted(false)];
  add(first, "first", 1);
  add(second, "second", eightMegabytes - 1);
  assert.deepEqual(events, [], "8 MiB may wait");
  add(second, "one byte more", 1);
  assert.deepEqual(events, ["first@1"]);
  assert.deepEqual([first.givenUp, second.givenUp], [1, 0]);
  add(second, "another", 1);
  assert.deepEqual(events, ["first@1", "second@2", "one byte more@3", "another@4"]);
  assert.equal(second.givenUp, 1);
});

test("Bytes that were written no longer count for those that wait.", () => {
  const { timeline, events, add } = written();
  const first = new Scripted(false);
  add(first, "first", eightMegabytes);
  first.ready = true;
  timeline.advance();
  const second = new Scripted(false);
  add(second, "second", eightMegabytes);
  assert.deepEqual([events, second.givenUp], [["first@1"], 0]);
});

test("At the end everything is written, whatever is known by then.", () => {
  const { timeline, events, add } = written();
  const sources = [false, true, false].map((ready) => new Scripted(ready));
  for (const [index, source] of sources.entries()) add(source, String(index));
  timeline.finish();
  assert.deepEqual(events, ["0@1", "1@2", "2@3"]);
  timeline.finish();
  assert.equal(events.length, 3);
});

test("Whatever becomes ready whenever, events come out once each, in order, and none before its source is ready.", () => {
  const step = fc.oneof(
    fc.record({ add: fc.nat(4), bytes: fc.constantFrom(0, 1, 1_000_000, 5_000_000) }),
    fc.record({ ready: fc.nat(4) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { timeline, events, add } = written();
      const sources = Array.from({ length: 5 }, (_, index) => new Scripted(index === 0));
      let added = 0;
      for (const each of steps) {
        const source = sources["add" in each ? each.add : each.ready] ?? new Scripted(true);
        if ("add" in each) {
          added += 1;
          timeline.add(source, each.bytes, (timestampNs) => {
            assert.ok(source.ready);
            events.push(`@${timestampNs}`);
          });
        } else {
          source.ready = true;
          timeline.advance();
        }
      }
      add(new Scripted(true), "last");
      timeline.finish();
      const expected = Array.from({ length: added }, (_, index) => `@${index + 1}`);
      assert.deepEqual(events, [...expected, `last@${added + 1}`]);
    }),
  );
});

test("The clock never stands still and never goes back, however fast it is asked.", () => {
  const now = steadyClock();
  let last = now();
  for (let count = 0; count < 200_000; count++) {
    const next = now();
    if (next <= last) assert.fail(`${next} came after ${last}`);
    last = next;
  }
});

test("The clock tells nanoseconds since 1970.", () => {
  const differenceMs = Math.abs(Number(steadyClock()() / 1_000_000n) - Date.now());
  assert.ok(differenceMs < 60_000, `${differenceMs} ms off`);
});
