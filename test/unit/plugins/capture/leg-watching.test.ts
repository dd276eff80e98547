import assert from "node:assert/strict";
import { test } from "node:test";
import { watchLeg, watchWire } from "../../../../plugins/capture/leg-watching.ts";
import { Timeline } from "../../../../plugins/capture/timeline.ts";
import type { Track, TrackEvent } from "../../../../plugins/capture/track.ts";
import { PorthopError } from "../../../../src/errors.ts";
import type { ForwardKind } from "../../../../src/plugin.ts";
import { forwardOfKind, ScriptedFlow, ScriptedWire } from "../../../kit/plugin-host.ts";

/** A timeline that keeps what it hands on, with a clock that counts its questions. */
function watching() {
  let now = 0n;
  const events: TrackEvent[] = [];
  const timeline = new Timeline({ take: (event) => events.push(event) });
  const clock = () => {
    now += 1n;
    return now;
  };
  return { events, timeline, now: clock };
}

function trackOf(ready: boolean): Track {
  return { interfaceIndex: 0, mark: 1, ends: () => assert.fail("a watcher asks for no addresses"), ready };
}

function flowOf(kind: ForwardKind = "local"): ScriptedFlow {
  return new ScriptedFlow({ forward: forwardOfKind(kind) });
}

const lost = new PorthopError("ssh.lost", "session lost");

test("All that happens on leg 1 is an event with its time, and its chunk is handed on as it is.", () => {
  const to = watching();
  const [flow, track] = [flowOf(), trackOf(true)];
  watchLeg(flow, flow.legs[0], track, to);
  const chunk = Buffer.from("question");
  flow.legs[0].opened();
  flow.legs[0].bytes("up", chunk);
  flow.legs[0].ended("up");
  flow.legs[0].aborted("down", new Error("bro\u001bken"));
  assert.deepEqual(to.events, [
    { kind: "opened", track, timestampNs: 1n },
    { kind: "data", track, timestampNs: 2n, direction: "up", slices: [chunk], bytes: 8 },
    { kind: "ended", track, timestampNs: 3n, direction: "up" },
    { kind: "aborted", track, timestampNs: 4n, by: "down", reason: "porthop flow=L1#1 leg=1: bro\\x1bken" },
  ]);
  const [, data] = to.events;
  assert.ok(data?.kind === "data" && data.slices[0] === chunk);
});

test("Leg 3 waits until its addresses were looked up, and then tells the times at which it happened.", async () => {
  const to = watching();
  const [flow, track] = [flowOf(), trackOf(false)];
  const found = Promise.withResolvers<void>();
  flow.legs[2].located = found.promise;
  watchLeg(flow, flow.legs[2], track, to);
  flow.legs[2].opened();
  flow.legs[2].bytes("down", Buffer.from("220"));
  assert.deepEqual(to.events, []);
  to.now();
  found.resolve();
  await found.promise;
  await Promise.resolve();
  assert.deepEqual(
    to.events.map(({ kind, timestampNs }) => [kind, timestampNs]),
    [
      ["opened", 1n],
      ["data", 2n],
    ],
  );
});

test("A target that refused is told at once: nothing is looked up for it.", () => {
  const to = watching();
  const [flow, track] = [flowOf(), trackOf(false)];
  watchLeg(flow, flow.legs[2], track, to);
  flow.legs[2].refused(new Error("connection refused"));
  assert.deepEqual(to.events, [{ kind: "refused", track, timestampNs: 1n, reason: "connection refused" }]);
});

for (const [kind, unknown] of [
  ["local", 3],
  ["dynamic", 3],
  ["stdio", 3],
  ["remote", 1],
  ["reverse-dynamic", 1],
] as const) {
  test(`After a lost session of a ${kind} forward leg ${unknown} goes on with what is known, and has no end.`, () => {
    const to = watching();
    const flow = flowOf(kind);
    for (const leg of [flow.legs[0], flow.legs[2]]) {
      const track = trackOf(false);
      watchLeg(flow, leg, track, to);
      leg.bytes("up", Buffer.from("question"));
      leg.aborted("up", lost);
      // The other one begins when the capture ends.
      if (leg.number !== unknown) to.timeline.begin(track);
    }
    const kinds = { known: ["data", "aborted"], unknown: ["data"] };
    assert.deepEqual(
      to.events.map((event) => event.kind),
      unknown === 3 ? [...kinds.known, ...kinds.unknown] : [...kinds.unknown, ...kinds.known],
    );
  });
}

test("Any other end of leg 3 is told.", () => {
  const to = watching();
  const flow = flowOf();
  watchLeg(flow, flow.legs[2], trackOf(true), to);
  flow.legs[2].aborted("down", new Error("reset"));
  assert.equal(to.events[0]?.kind, "aborted");
});

/** An SSH packet in clear: its length, its padding's length, its message. */
function packet(message: number): Buffer {
  return Buffer.from([0, 0, 0, 12, 6, message, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
}

test("Leg 2 is cut at the borders of SSH's packets, whatever the chunks; each has a time of its own.", () => {
  const to = watching();
  const wire = new ScriptedWire({ host: "gate", port: 22, hop: 1, from: undefined, to: undefined, observed: false });
  watchWire(wire, trackOf(true), to);
  const [banner, first, second] = [Buffer.from("SSH-2.0-x\r\n"), packet(2), packet(3)];
  wire.opened();
  wire.bytes("up", Buffer.concat([banner, first, second.subarray(0, 3)]));
  wire.bytes("up", second.subarray(3));
  wire.bytes("down", banner.subarray(0, 4));
  wire.ended("down");
  assert.deepEqual(to.events.map(shown), [
    "1 opened",
    `2 up ${banner.toString("hex")} ${banner.length}`,
    `3 up ${first.toString("hex")} 16`,
    `4 up ${second.toString("hex")} 16`,
    `5 down ${banner.subarray(0, 4).toString("hex")} 4`,
    "6 ended",
  ]);
});

test("What was on its way on leg 2 when it broke is told before the end.", () => {
  const to = watching();
  const wire = new ScriptedWire({ host: "gate", port: 22, hop: 1, from: undefined, to: undefined, observed: false });
  watchWire(wire, trackOf(true), to);
  wire.bytes("down", Buffer.from("SSH-"));
  wire.bytes("up", Buffer.from("SS"));
  wire.aborted("down", lost);
  assert.deepEqual(to.events.map(shown), ["1 up 5353 2", "2 down 5353482d 4", "3 aborted"]);
  assert.ok(to.events[2]?.kind === "aborted" && to.events[2].reason === "porthop leg=2: session lost");
});

function shown(event: TrackEvent): string {
  if (event.kind !== "data") return `${event.timestampNs} ${event.kind}`;
  return `${event.timestampNs} ${event.direction} ${Buffer.concat(event.slices).toString("hex")} ${event.bytes}`;
}
