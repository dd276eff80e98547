import assert from "node:assert/strict";
import { test } from "node:test";
import { type DuePlace, SessionPlaces } from "../../../../src/forward/uplink/session-places.ts";

const standing = {};

function place(changes: Partial<DuePlace> = {}): DuePlace {
  return { session: undefined, dueMs: undefined, mayHurry: true, notBeforeMs: 0, isGivenUp: false, ...changes };
}

test("The next place is the one that is due first; while no session stands it tries for all.", () => {
  const [late, soon, idle] = [place({ dueMs: 30 }), place({ dueMs: 20 }), place()];
  const places = new SessionPlaces([late, soon, idle]);
  assert.equal(places.next, soon);
  places.parkOthers();
  assert.deepEqual([late.dueMs, soon.dueMs, idle.dueMs], [undefined, 20, undefined]);
  soon.dueMs = undefined;
  assert.equal(places.next, undefined);
});

test("Where one failed no other is tried sooner, and a wait that was earned counts for them too.", () => {
  const [failed, soon, late, idle] = [place({ dueMs: 50 }), place({ dueMs: 10 }), place({ dueMs: 70 }), place()];
  const places = new SessionPlaces([soon, late, idle, failed]);
  places.delayOthers(failed);
  assert.deepEqual([soon.dueMs, late.dueMs, idle.dueMs], [50, 70, undefined]);
  Object.assign(failed, { dueMs: 60, mayHurry: false, notBeforeMs: 60 });
  places.delayOthers(failed);
  places.hurry(20);
  assert.deepEqual([soon.dueMs, soon.notBeforeMs, late.dueMs, failed.dueMs], [60, 60, 20, 60]);
});

test("When a session stands the others go on: those that miss one, were not given up, and have no time to wait out.", () => {
  const all = [
    place({ session: standing }),
    place({ isGivenUp: true }),
    place({ dueMs: 70 }),
    place({ notBeforeMs: 60 }),
    place({ notBeforeMs: 40 }),
  ];
  new SessionPlaces(all).goOn(50);
  assert.deepEqual(
    all.map(({ dueMs }) => dueMs),
    [undefined, undefined, 70, 60, 50],
  );
});

test("A hurry cuts waits short that may be, and makes none longer; a wish for a session allows it for all.", () => {
  const [may, soon, earned, idle] = [
    place({ dueMs: 90 }),
    place({ dueMs: 10 }),
    place({ dueMs: 90, mayHurry: false, notBeforeMs: 90 }),
    place(),
  ];
  const places = new SessionPlaces([may, soon, earned, idle]);
  places.hurry(20);
  assert.deepEqual([may.dueMs, soon.dueMs, earned.dueMs, idle.dueMs], [20, 10, 90, undefined]);
  places.allowHurry();
  places.hurry(20);
  assert.deepEqual([earned.dueMs, earned.notBeforeMs], [20, 0]);
});

test("The places that stand stay, wherever they are in the order.", () => {
  const [first, second, third] = [place(), place({ session: standing }), place({ dueMs: 10 })];
  const places = new SessionPlaces([first, second, third]);
  assert.deepEqual(places.dropMissing(), [first, third]);
  assert.deepEqual([places.all, places.next], [[second], undefined]);
  assert.deepEqual(places.dropMissing(), []);
});
