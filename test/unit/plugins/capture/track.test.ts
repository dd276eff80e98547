import assert from "node:assert/strict";
import { test } from "node:test";
import { Ends } from "../../../../plugins/capture/ends.ts";
import { captureLanes } from "../../../../plugins/capture/interfaces.ts";
import { Tracks } from "../../../../plugins/capture/track.ts";
import type { LegNumber } from "../../../../src/plugin.ts";
import { ScriptedFlow, ScriptedWire } from "../../../kit/plugin-host.ts";

function tracksOf(legs: readonly LegNumber[], sessions: readonly string[] = ["gate", "db"], strands = 1): Tracks {
  return new Tracks(captureLanes(new Set(legs), sessions, strands), new Ends(sessions.length, () => {}));
}

function wire(hop: number, strand = 1, id = "S1"): ScriptedWire {
  const to = { host: `10.0.0.${hop}`, port: 22 };
  return new ScriptedWire({ id, host: "gate", port: 22, hop, strand, from: undefined, to, observed: false });
}

test("Each leg and each session has its interface and its mark.", () => {
  const tracks = tracksOf([1, 2, 3]);
  const flow = new ScriptedFlow();
  const all = [
    tracks.ofLeg(flow, flow.legs[0]),
    tracks.ofWire(wire(1)),
    tracks.ofLeg(flow, flow.legs[2]),
    tracks.ofWire(wire(2)),
  ];
  assert.deepEqual(
    all.map((track) => [track?.interfaceIndex, track?.mark]),
    [
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 4],
    ],
  );
});

test("What is not captured has no track, and the others move up.", () => {
  const flow = new ScriptedFlow();
  const plain = tracksOf([1, 3]);
  assert.equal(plain.ofWire(wire(1)), undefined);
  assert.deepEqual([plain.ofLeg(flow, flow.legs[2])?.interfaceIndex, plain.ofLeg(flow, flow.legs[2])?.mark], [1, 3]);
  const ssh = tracksOf([2]);
  assert.deepEqual([ssh.ofLeg(flow, flow.legs[0]), ssh.ofLeg(flow, flow.legs[2])], [undefined, undefined]);
  assert.equal(ssh.ofWire(wire(1))?.interfaceIndex, 0);
  assert.equal(ssh.ofWire(wire(3))?.interfaceIndex, 1, "a longer way to a fallback ends in the last one");
});

test("Only leg 3 has to wait for its addresses.", () => {
  const tracks = tracksOf([1, 2, 3]);
  const flow = new ScriptedFlow();
  assert.deepEqual(
    [tracks.ofLeg(flow, flow.legs[0]), tracks.ofWire(wire(1)), tracks.ofLeg(flow, flow.legs[2])].map(
      (track) => track?.ready,
    ),
    [true, true, false],
  );
});

test("A leg's addresses are those of the moment at which they are asked for, a session's those of its beginning.", () => {
  const tracks = tracksOf([1, 2, 3]);
  const flow = new ScriptedFlow();
  const leg3 = tracks.ofLeg(flow, flow.legs[2]);
  const [first, second] = [tracks.ofWire(wire(1, 1, "S1")), tracks.ofWire(wire(1, 1, "S2"))];
  flow.legs[2].from = { host: "10.0.0.1", port: 4711 };
  flow.legs[2].to = { host: "10.0.0.9", port: 80 };
  assert.deepEqual(leg3?.ends().from, { host: "10.0.0.1", port: 4711 });
  assert.match(second?.ends().comment ?? "", /session=S2 /);
  assert.match(first?.ends().comment ?? "", /session=S1 /);
});

test("The server that dials the targets is known also when its session is not captured.", () => {
  const tracks = tracksOf([3], ["gate"]);
  tracks.ofWire(wire(7));
  const flow = new ScriptedFlow({ target: { host: "10.0.0.9", port: 80 } });
  assert.equal(tracks.ofLeg(flow, flow.legs[2])?.ends().from.host, "10.0.0.7");
});

test("A session that is made again goes on in the interface of the lost one, and the others keep theirs.", () => {
  const tracks = tracksOf([1, 2, 3], ["gate"], 3);
  const indexes = [wire(1, 1), wire(1, 2), wire(1, 3), wire(1, 2), wire(1, 1)].map(
    (each) => tracks.ofWire(each)?.interfaceIndex,
  );
  assert.deepEqual(indexes, [1, 3, 4, 3, 1]);
});
