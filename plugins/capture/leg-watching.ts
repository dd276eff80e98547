/**
 * The first step of a frame's way: turns what the watchers of legs hear into events with a time, for the timeline.
 * Chunks are never copied. The bytes of leg 2 are cut at the borders of SSH packets, so that each packet gets a segment
 * of its own.
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

/** Watches leg 1 or 3. */
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

/** Watches leg 2, which carries ciphertext. */
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
      // Bytes that wait in the cutters were on the wire before the connection broke.
      for (const direction of ["up", "down"] as const) addPackets(direction, cutters[direction].flush());
      const reason = `porthop leg=2: ${reasonText(error)}`;
      timeline.add({ kind: "aborted", track, timestampNs: now(), by, reason });
    },
  });
}

/**
 * True for the leg that sshd holds. After the session was lost, nobody can know what sshd did to that connection, so no
 * RST is recorded.
 */
function isServers(flow: Flow, leg: Leg): boolean {
  return leg.number === (dialsHere(flow.forward) ? 1 : 3);
}

function isLost(error: Error): boolean {
  return "code" in error && error.code === "ssh.lost";
}

function reasonText(error: Error): string {
  return visible(error.message, 500);
}
