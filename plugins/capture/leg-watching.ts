/**
 * The first step of a frame's way: what watchers of legs are told becomes events with their time, and goes to the timeline.
 * Chunks are never copied. Leg 2 is cut at the borders of SSH's packets, each of which gets a segment of its own.
 */
import { lengthOf } from "../../src/codec/capture/frame.ts";
import { SshNegotiation } from "../../src/codec/capture/ssh-negotiation.ts";
import { SshPacketCutter } from "../../src/codec/capture/ssh-packets.ts";
import type { Direction, Flow, Leg, Wire } from "../../src/plugin.ts";
import { visible } from "../../src/text/terminal-text.ts";
import { dialsHere } from "./ends.ts";
import type { Timeline } from "./timeline.ts";
import type { Track } from "./track.ts";

export interface Watching {
  readonly timeline: Timeline;
  readonly now: () => bigint;
}

/** Legs 1 and 3. */
export function watchLeg(flow: Flow, leg: Leg, track: Track, { timeline, now }: Watching): void {
  leg.watch({
    opened() {
      if (leg.number === 3) void leg.locate().then(() => timeline.begin(track));
      timeline.add({ kind: "opened", track, timestampNs: now() });
    },
    refused(error) {
      timeline.begin(track);
      timeline.add({ kind: "refused", track, timestampNs: now(), reason: reasonText(error) });
    },
    bytes(direction, chunk) {
      timeline.add({ kind: "data", track, timestampNs: now(), direction, slices: [chunk], bytes: chunk.length });
    },
    ended: (direction) => timeline.add({ kind: "ended", track, timestampNs: now(), direction }),
    aborted(by, error) {
      if (isServers(flow, leg) && isLost(error)) return timeline.begin(track);
      const reason = `porthop flow=${flow.id} leg=${leg.number}: ${reasonText(error)}`;
      timeline.add({ kind: "aborted", track, timestampNs: now(), by, reason });
    },
  });
}

/** Leg 2: the ciphertext. */
export function watchWire(wire: Wire, track: Track, { timeline, now }: Watching): void {
  const negotiation = new SshNegotiation();
  const cutters = {
    up: new SshPacketCutter("up", negotiation),
    down: new SshPacketCutter("down", negotiation),
  };
  const addPackets = (direction: Direction, packets: readonly (readonly Uint8Array[])[]) => {
    for (const slices of packets) {
      timeline.add({ kind: "data", track, timestampNs: now(), direction, slices, bytes: lengthOf(slices) });
    }
  };
  wire.watch({
    opened: () => timeline.add({ kind: "opened", track, timestampNs: now() }),
    bytes: (direction, chunk) => addPackets(direction, cutters[direction].push(chunk)),
    ended(direction) {
      addPackets(direction, cutters[direction].flush());
      timeline.add({ kind: "ended", track, timestampNs: now(), direction });
    },
    aborted(by, error) {
      // What was on its way when the connection broke went over the wire too.
      for (const direction of ["up", "down"] as const) addPackets(direction, cutters[direction].flush());
      const reason = `porthop leg=2: ${reasonText(error)}`;
      timeline.add({ kind: "aborted", track, timestampNs: now(), by, reason });
    },
  });
}

/** Nobody can know what sshd did to a connection of its own after the session was lost. */
function isServers(flow: Flow, leg: Leg): boolean {
  return leg.number === (dialsHere(flow.forward) ? 1 : 3);
}

function isLost(error: Error): boolean {
  return "code" in error && error.code === "ssh.lost";
}

function reasonText(error: Error): string {
  return visible(error.message, 500);
}
