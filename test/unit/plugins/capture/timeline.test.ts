import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Timeline } from "../../../../plugins/capture/timeline.ts";
import type { Track, TrackEvent } from "../../../../plugins/capture/track.ts";

function trackOf(ready: boolean): Track {
  const ends = () => assert.fail("the timeline asks for no addresses");
  return { interfaceIndex: 0, mark: 1, ends, ready };
}

/** A timeline with a clock that counts its questions, and what it handed on: name and time. */
function handedOn() {
  let now = 0n;
  const events: string[] = [];
  const handed: TrackEvent[] = [];
  const names = new Map<TrackEvent, string>();
  const timeline = new Timeline({
    take(event) {
      assert.ok(event.track.ready, "no track begins before it is ready");
      handed.push(event);
      events.push(`${names.get(event)}@${event.timestampNs}`);
    },
  });
  /** Without bytes it is the event of an open connection. */
  const add = (track: Track, name: string, bytes = 0): TrackEvent => {
    now += 1n;
    const when = { track, timestampNs: now };
    const event: TrackEvent =
      bytes === 0 ? { kind: "opened", ...when } : { kind: "data", ...when, direction: "up", slices: [], bytes };
    names.set(event, name);
    timeline.add(event);
    return event;
  };
  return { timeline, events, handed, add };
}

const eightMegabytes = 8 * 1024 * 1024;

test("What is ready while nothing waits is handed on at once, and as it is.", () => {
  const { events, handed, add } = handedOn();
  const track = trackOf(true);
  const first = add(track, "a");
  assert.deepEqual(events, ["a@1"]);
  const second = add(track, "b", 100_000_000);
  assert.deepEqual(events, ["a@1", "b@2"]);
  assert.ok(handed[0] === first && handed[1] === second);
});

test("While the first waits for its addresses all others wait behind it, and keep their order and times.", () => {
  const { timeline, events, handed, add } = handedOn();
  const [late, ready] = [trackOf(false), trackOf(true)];
  const all = [
    add(ready, "before"),
    add(late, "syn"),
    add(ready, "other"),
    add(late, "data", 3),
    add(ready, "another", 5),
  ];
  assert.deepEqual(events, ["before@1"]);
  timeline.begin(late);
  assert.deepEqual(events, ["before@1", "syn@2", "other@3", "data@4", "another@5"]);
  assert.ok(
    all.every((event, index) => event === handed[index]),
    "and come out as they went in",
  );
});

test("One that becomes ready out of turn still waits for the one in front.", () => {
  const { timeline, events, add } = handedOn();
  const [first, second] = [trackOf(false), trackOf(false)];
  add(first, "first");
  add(second, "second");
  add(first, "first again");
  timeline.begin(second);
  assert.deepEqual(events, []);
  timeline.begin(first);
  assert.deepEqual(events, ["first@1", "second@2", "first again@3"]);
  timeline.begin(first);
  assert.equal(events.length, 3, "nothing is handed on twice");
});

test("As much goes on as can: up to the next that waits.", () => {
  const { timeline, events, add } = handedOn();
  const [first, second] = [trackOf(false), trackOf(false)];
  add(first, "a");
  add(second, "b");
  add(first, "c");
  timeline.begin(first);
  assert.deepEqual(events, ["a@1"]);
  add(first, "d");
  assert.deepEqual(events, ["a@1"], "what comes later does not overtake");
  timeline.begin(second);
  assert.deepEqual(events, ["a@1", "b@2", "c@3", "d@4"]);
});

test("When more than 8 MiB wait, the one in front goes on with what is known of it; others still wait.", () => {
  const { events, add } = handedOn();
  const [first, second] = [trackOf(false), trackOf(false)];
  add(first, "first", 1);
  add(second, "second", eightMegabytes - 1);
  assert.deepEqual(events, [], "8 MiB may wait");
  add(second, "one byte more", 1);
  assert.deepEqual(events, ["first@1"]);
  assert.deepEqual([first.ready, second.ready], [true, false]);
  add(second, "another", 1);
  assert.deepEqual(events, ["first@1", "second@2", "one byte more@3", "another@4"]);
  assert.equal(second.ready, true);
});

test("Bytes that went on no longer count for those that wait.", () => {
  const { timeline, events, add } = handedOn();
  const first = trackOf(false);
  add(first, "first", eightMegabytes);
  timeline.begin(first);
  const second = trackOf(false);
  add(second, "second", eightMegabytes);
  assert.deepEqual([events, second.ready], [["first@1"], false]);
});

test("At the end everything goes on, whatever is known by then.", () => {
  const { timeline, events, add } = handedOn();
  const tracks = [false, true, false].map(trackOf);
  for (const [index, track] of tracks.entries()) add(track, String(index));
  timeline.finish();
  assert.deepEqual(events, ["0@1", "1@2", "2@3"]);
  timeline.finish();
  assert.equal(events.length, 3);
});

test("Whatever becomes ready whenever, events come out once each, in order, and none before its track is ready.", () => {
  const step = fc.oneof(
    fc.record({ add: fc.nat(4), bytes: fc.constantFrom(0, 1, 1_000_000, 5_000_000) }),
    fc.record({ ready: fc.nat(4) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { timeline, events, add } = handedOn();
      const tracks = Array.from({ length: 5 }, (_, index) => trackOf(index === 0));
      let added = 0;
      for (const each of steps) {
        const track = tracks["add" in each ? each.add : each.ready] ?? trackOf(true);
        if ("add" in each) {
          added += 1;
          add(track, "", each.bytes);
        } else {
          timeline.begin(track);
        }
      }
      add(trackOf(true), "last");
      timeline.finish();
      const expected = Array.from({ length: added }, (_, index) => `@${index + 1}`);
      assert.deepEqual(events, [...expected, `last@${added + 1}`]);
    }),
  );
});
