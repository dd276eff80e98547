import assert from "node:assert/strict";
import { test } from "node:test";
import type { DescriptorSystem } from "../../../src/io/descriptor-system.ts";
import { type Arrival, Descriptors } from "../../../src/io/descriptors.ts";

/** A process with so many descriptors, of which some are in use; time and turns pass as the test says. */
class Few implements DescriptorSystem {
  readonly limit = "40";
  readonly waits: boolean;
  readonly warnings: string[] = [];
  readonly sleeps: number[] = [];
  free: number;
  /** How often one was asked for. */
  asked = 0;
  #taken = 0;
  #now = 0;
  #turns: (() => void)[] = [];

  constructor(free: number, waits = true) {
    this.free = free;
    this.waits = waits;
  }

  take(): number | undefined {
    this.asked += 1;
    if (this.free === 0) return undefined;
    this.free -= 1;
    this.#taken += 1;
    return this.#taken;
  }

  give(): void {
    this.free += 1;
  }

  count(): number {
    return this.free;
  }

  sleep(ms: number): void {
    this.sleeps.push(ms);
    this.#now += ms;
  }

  next(turn: () => void): void {
    this.#turns.push(turn);
  }

  now(): number {
    return this.#now;
  }

  /** Runs what waits for the next turn, which takes so long. False when nothing does. */
  turn(ms = 0.05): boolean {
    this.#now += ms;
    const turns = this.#turns.splice(0);
    for (const turn of turns) turn();
    return turns.length > 0;
  }

  warn = (text: string): void => {
    this.warnings.push(text);
  };
}

function start(free: number, waits?: boolean) {
  const system = new Few(free, waits);
  const descriptors = new Descriptors(system);
  return { system, descriptors, leave: descriptors.enter(system.warn) };
}

/** One that was accepted, which took a descriptor. */
function arrive({ system, descriptors }: ReturnType<typeof start>, dials = false) {
  const events: string[] = [];
  const arrival: Arrival = { dials, serve: () => events.push("served"), refuse: () => events.push("refused") };
  assert.ok(system.take() !== undefined, "accept(2) found a descriptor");
  descriptors.admit(arrival);
  return events;
}

test("A few are kept while a listener is up, half of them where there are few, and given back.", () => {
  for (const [free, kept] of [
    [1000, 6],
    [8, 4],
    [1, 0],
  ] as const) {
    const { system, leave } = start(free);
    assert.equal(system.free, free - kept);
    leave();
    assert.equal(system.free, free);
    assert.deepEqual(system.warnings, []);
  }
});

test("When none is left it is said once, the loop is slowed down, and goes on as before with the first that is free.", () => {
  const few = start(20);
  const { system } = few;
  for (let left = system.free; left > 0; left--) assert.deepEqual(arrive(few), ["served"]);
  assert.equal(system.free, 0);
  assert.deepEqual(system.warnings, ["too many open files: new connections wait until others end (ulimit -n, 40)"]);
  for (let turn = 0; turn < 20; turn++) assert.equal(system.turn(), true);
  assert.ok(system.sleeps.length >= 19);
  assert.equal(system.sleeps.at(-1), 10);
  system.give();
  assert.equal(system.turn(), true);
  assert.equal(system.turn(), false, "no turn is asked for any more");
  assert.deepEqual(arrive(few), ["served"]);
  assert.equal(system.warnings.length, 1, "it is the same shortage");
});

test("While plenty are free nobody asks whether one is left, and with the last of them it is said all the same.", () => {
  const few = start(2006);
  const { system } = few;
  const unasked = [];
  while (system.free > 0) {
    const before = system.asked;
    assert.deepEqual(arrive(few), ["served"]);
    // The test itself asks for the one that accept(2) takes.
    if (system.asked === before + 1) unasked.push(system.free);
  }
  // Counted when 2000 are free, 1501, 1126 and 845.
  assert.deepEqual([unasked.length, unasked[0], unasked.at(-1)], [1155, 1999, 845]);
  assert.equal(system.warnings.length, 1);
  assert.equal(system.turn(), true);
});

test("Where a listener does not wait, plenty that are counted admit without a look, and the margin is kept.", () => {
  const few = start(2000, false);
  const { system, descriptors } = few;
  let unasked = 0;
  for (let before = 0; arrive(few, true)[0] === "served"; before = system.asked) {
    assert.equal(descriptors.dialing(), true);
    if (system.asked === before + 1) unasked += 1;
    assert.ok(system.take() !== undefined);
    descriptors.settled(true);
  }
  // With 8 free the next one would have been served.
  assert.deepEqual([unasked > 400, system.free], [true, 7]);
});

test("When others have used up what was counted, who comes waits all the same, and what is kept serves a dial.", () => {
  const few = start(5000);
  const { system, descriptors } = few;
  system.free = 1;
  assert.deepEqual(arrive(few, true), []);
  assert.equal(system.warnings.length, 1);
  assert.equal(descriptors.dialing(), true);
});

test("A limit that was lowered while porthop runs is noticed before the last descriptor is gone.", () => {
  const few = start(200_000);
  const { system } = few;
  arrive(few);
  system.free = 30;
  system.turn(5001);
  while (system.free > 0) arrive(few);
  assert.equal(system.warnings.length, 1);
});

test("It is said again after a minute with room.", () => {
  const few = start(20);
  const { system } = few;
  while (system.free > 0) arrive(few);
  system.give();
  assert.equal(system.turn(), true);
  system.turn(60_001);
  arrive(few);
  assert.equal(system.warnings.length, 2);
});

test("A turn that carried something is not followed by a pause.", () => {
  const few = start(20);
  const { system } = few;
  while (system.free > 0) arrive(few);
  system.turn();
  const before = system.sleeps.length;
  for (let turn = 0; turn < 5; turn++) system.turn(1);
  assert.equal(system.sleeps.length, before);
});

test("Connections that dial get a second descriptor kept, and wait for it in their order.", () => {
  const few = start(20);
  const { system, descriptors } = few;
  const served = [];
  while (system.free >= 2) served.push(arrive(few, true));
  assert.deepEqual([served.length, system.free], [7, 0]);
  system.give();
  const first = arrive(few, true);
  assert.deepEqual(first, []);
  // One dials with what was kept for it, and its connection stays.
  assert.equal(descriptors.dialing(), true);
  assert.ok(system.take() !== undefined);
  descriptors.settled(true);
  assert.deepEqual(first, []);
  // A flow ends: whoever waits here has it before accept(2) can.
  system.give();
  descriptors.freed();
  assert.deepEqual(first, ["served"]);
  assert.equal(system.free, 0);
});

test("What was kept for a connection that was refused is given back.", () => {
  const few = start(20);
  const { system, descriptors, leave } = few;
  const before = system.free;
  arrive(few, true);
  assert.equal(system.free, before - 2);
  descriptors.settled(false);
  system.give();
  assert.equal(system.free, before);
  leave();
  assert.equal(system.free, 20);
});

test("A dial that nothing was kept for has one of the reserve in a shortage, and none once that is used up.", () => {
  const few = start(20);
  const { system, descriptors } = few;
  while (system.free > 0) arrive(few);
  for (let dial = 0; dial < 6; dial++) {
    assert.equal(descriptors.dialing(), true);
    assert.ok(system.take() !== undefined);
  }
  assert.equal(descriptors.dialing(), false);
  // The reserve fills up again first.
  for (let end = 0; end < 3; end++) {
    system.give();
    descriptors.freed();
  }
  assert.equal(system.free, 0);
  assert.equal(descriptors.dialing(), true);
});

test("In a shortage a lookup is lent the reserve, and its thread a moment before the listeners go on.", () => {
  const few = start(20);
  const { system, descriptors } = few;
  assert.equal(
    descriptors.lend(() => system.free),
    14,
  );
  while (system.free > 0) arrive(few);
  const before = system.sleeps.length;
  assert.equal(
    descriptors.lend(() => system.free),
    6,
  );
  assert.equal(system.sleeps.length, before + 1);
  assert.equal(system.free, 0);
  assert.equal(descriptors.wasFullSince(system.now() + 1), false);
  assert.equal(descriptors.wasFullSince(0), true);
});

test("Those who wait are refused when the last listener closes, and nothing is kept.", () => {
  const few = start(9);
  const { system, leave } = few;
  const arrivals = [];
  while (system.free > 0) arrivals.push(arrive(few, true));
  const waiting = arrivals.filter((events) => events.length === 0);
  assert.equal(waiting.length, 1);
  leave();
  assert.deepEqual(waiting, [["refused"]]);
  assert.equal(system.turn(), true);
  assert.equal(system.turn(), false);
});

test("Where a listener does not wait, connections are refused while there is little room, which is said once.", () => {
  const few = start(12, false);
  const { system, descriptors } = few;
  const outcomes = [];
  for (let arrival = 0; arrival < 8; arrival++) {
    const [outcome] = arrive(few, true);
    outcomes.push(outcome);
    if (outcome === "refused") system.give();
    else {
      assert.equal(descriptors.dialing(), true);
      assert.ok(system.take() !== undefined);
      descriptors.settled(true);
    }
  }
  assert.deepEqual(outcomes.slice(0, 3), ["served", "served", "refused"]);
  assert.deepEqual([...new Set(outcomes.slice(2))], ["refused"]);
  assert.deepEqual(system.warnings, [
    "too many open files: new connections are refused until others end (ulimit -n, 40)",
  ]);
  assert.deepEqual([system.turn(), system.sleeps], [false, []]);
});
