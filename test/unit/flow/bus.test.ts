import assert from "node:assert/strict";
import { test } from "node:test";
import { Bus, publicEvents, type StopHearing } from "../../../src/flow/bus.ts";
import type { BusEvent } from "../../../src/flow/event.ts";

const ready: BusEvent = { event: "ready", forwards: ["L1", "D1"] };
const banner: BusEvent = { event: "banner", text: "Welcome" };

test("An event is heard at once, by those who asked for its name, in the order in which they asked.", () => {
  const bus = new Bus();
  const heard: string[] = [];
  bus.on("ready", ({ forwards }) => heard.push(`first ${forwards.join()}`));
  bus.on("banner", ({ text }) => heard.push(`banner ${text}`));
  bus.onPublic(({ event }) => heard.push(`all ${event}`));
  bus.on("ready", () => heard.push("last"));
  bus.publish(ready);
  assert.deepEqual(heard.splice(0), ["first L1,D1", "all ready", "last"]);
  bus.publish(banner);
  assert.deepEqual(heard, ["banner Welcome"]);
});

test("An event that nobody hears is lost, and not kept for who comes later.", () => {
  const bus = new Bus();
  bus.publish(ready);
  bus.on("ready", () => assert.fail("it is over"));
  bus.publish(banner);
});

test("Who hears all hears each event of the contract once, and none of the inside.", () => {
  const bus = new Bus();
  const heard: string[] = [];
  const stop = bus.onPublic(({ event }) => heard.push(event));
  const origin = { host: "127.0.0.1", port: 1 };
  const flow = { flow: "L1#1", forward: "L1", origin, target: origin };
  const session = { state: "ready", host: "vishnu", port: 22, user: "anna", attempt: 1 } as const;
  const all: readonly BusEvent[] = [
    { event: "progress", step: { done: "login", by: "none" } },
    { event: "wire", viewFor: () => assert.fail("nobody watches") },
    { event: "session", id: "S1", ...session },
    banner,
    ready,
    { event: "flow.open", ...flow, legs: [] },
    { event: "flow.close", ...flow, up: 0, down: 0, ms: 0, reason: "ended" },
  ];
  for (const event of all) bus.publish(event);
  assert.deepEqual(heard, ["session", "ready", "flow.open", "flow.close"]);
  stop();
  bus.publish(ready);
  assert.equal(heard.length, 4);
  assert.deepEqual(publicEvents.toSorted(), [
    "error",
    "flow.close",
    "flow.open",
    "forward.moved",
    "forward.waiting",
    "held",
    "listening",
    "ready",
    "reconnect",
    "session",
  ]);
});

test("Who stops hears no more, also when it stops while that event is told; the others hear it all the same.", () => {
  const bus = new Bus();
  const heard: string[] = [];
  const stops: StopHearing[] = [];
  const hear = (name: string, leaving: readonly number[] = []) =>
    stops.push(
      bus.on("ready", () => {
        heard.push(name);
        for (const index of leaving) stops[index]?.();
      }),
    );
  hear("a");
  hear("b", [1, 2]);
  hear("c");
  hear("d", [0]);
  bus.publish(ready);
  assert.deepEqual(heard.splice(0), ["a", "b", "d"]);
  bus.publish(ready);
  assert.deepEqual(heard.splice(0), ["d"]);
  stops[3]?.();
  stops[3]?.();
  bus.publish(ready);
  assert.deepEqual(heard, []);
});

test("Who comes while an event is told hears the next one.", () => {
  const bus = new Bus();
  const heard: string[] = [];
  const stop = bus.on("ready", () => {
    stop();
    bus.on("ready", () => heard.push("late"));
  });
  bus.publish(ready);
  assert.deepEqual(heard, []);
  bus.publish(ready);
  assert.deepEqual(heard, ["late"]);
});

test("Whether anybody would hear an event is known, from the first hearer until the last one left.", () => {
  const bus = new Bus();
  assert.equal(bus.isHeard("keys"), false);
  const leave = [bus.on("keys", () => {}), bus.on("keys", () => {})];
  assert.deepEqual([bus.isHeard("keys"), bus.isHeard("ready")], [true, false]);
  leave[0]?.();
  assert.equal(bus.isHeard("keys"), true);
  leave[1]?.();
  assert.equal(bus.isHeard("keys"), false);
});

test("What is published while an event is told is told at once, inside of it.", () => {
  const bus = new Bus();
  const heard: string[] = [];
  bus.on("ready", () => {
    heard.push("before");
    bus.publish(banner);
    heard.push("after");
  });
  bus.on("banner", () => heard.push("banner"));
  bus.publish(ready);
  assert.deepEqual(heard, ["before", "banner", "after"]);
});

test("A hearer that throws is a defect that whoever published hears of, and it goes on hearing.", () => {
  const bus = new Bus();
  let count = 0;
  bus.on("ready", () => {
    count += 1;
    throw new TypeError("a defect");
  });
  for (const expected of [1, 2]) {
    assert.throws(() => bus.publish(ready), /a defect/);
    assert.equal(count, expected);
  }
});
