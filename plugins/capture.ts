/**
 * Writes the three real TCP connections behind each flow into one file that Wireshark reads: made-up TCP headers around
 * true bytes and true addresses. The plugin watches legs, so its place in the chain does not matter. Its
 * stages only wait, for a short time, while the disk is behind: a capture may slow a forward and never stops it.
 */

import { type Chunks, definePlugin, type Host, type LegNumber, visible } from "../src/plugin.ts";
import { Conversations } from "./capture/conversations.ts";
import { Ends } from "./capture/ends.ts";
import { type CaptureLane, captureLanes } from "./capture/interfaces.ts";
import { watchLeg, watchWire } from "./capture/leg-watching.ts";
import { paced } from "./capture/pacing.ts";
import { finishRecording, startRecording } from "./capture/recorded-file.ts";
import { steadyClock } from "./capture/steady-clock.ts";
import { Timeline } from "./capture/timeline.ts";
import { Tracks } from "./capture/track.ts";

export default definePlugin({
  name: "capture",
  about: "writes the three TCP connections behind each flow into a pcapng or pcap file",
  options: {
    file: { type: "text", about: "out.pcapng, out.pcap, or - for stdout", required: true },
    legs: { type: "text", about: "which legs, for example 1+3", default: "1+2+3" },
    snaplen: { type: "number", about: "how many bytes of each packet to keep; all of them by default" },
  },
  setup(host, { file, legs, snaplen }) {
    const wanted = readLegs(host, legs);
    const snapLength = readSnapLength(host, snaplen);
    const lanes = wantedLanes(host, wanted);
    const now = steadyClock();
    // The way of an event: the watcher of a leg, the timeline, the conversations, the recording, the file.
    const recording = startRecording(host, { file, snapLength, lanes }, now);
    const timeline = new Timeline(new Conversations(recording));
    const tracks = new Tracks(lanes, new Ends(host.sessions.length, (name) => recording.name(name)));
    host.locateTargets(([1, 3] as const).filter((leg) => wanted.has(leg)));
    host.onSession((wire) => {
      const track = tracks.ofWire(wire);
      if (track !== undefined) watchWire(wire, track, { timeline, now });
    });
    host.onDispose(() => {
      timeline.finish();
      return finishRecording(host, file, recording, now());
    });
    return (flow, next) => {
      for (const leg of [flow.legs[0], flow.legs[2]]) {
        const track = tracks.ofLeg(flow, leg);
        if (track !== undefined) watchLeg(flow, leg, track, { timeline, now });
      }
      const pace = (chunks: Chunks) => paced(chunks, recording);
      flow.up.pipe(pace);
      flow.down.pipe(pace);
      return next();
    };
  },
});

function readLegs(host: Host, text: string): ReadonlySet<LegNumber> {
  const legs = text.split(/[+,]/).map((leg) => Number(leg.trim()));
  if (!legs.every(isLegNumber)) {
    host.fail(
      "plugin.invalid",
      `plugin capture: legs=${visible(text, 80)} is not a choice of legs`,
      "for example legs=1+3",
    );
  }
  return new Set(legs.filter(isLegNumber));
}

function isLegNumber(leg: number): leg is LegNumber {
  return leg === 1 || leg === 2 || leg === 3;
}

/** As with dumpcap's -s, 0 keeps all of each packet. A number larger than any packet does so too. */
function readSnapLength(host: Host, bytes: number | undefined): number | undefined {
  if (bytes !== undefined && bytes < 0) {
    host.fail("plugin.invalid", `plugin capture: snaplen=${bytes} is less than nothing`, "0 keeps all of each packet");
  }
  return bytes === undefined || bytes === 0 || bytes > largestPacketBytes ? undefined : bytes;
}

/** The largest packet for tcpdump and Wireshark. */
const largestPacketBytes = 262_144;

function wantedLanes(host: Host, legs: ReadonlySet<LegNumber>): readonly CaptureLane[] {
  const lanes = captureLanes(legs, host.sessions, host.strands);
  if (lanes.length === 0) {
    host.fail("plugin.invalid", "plugin capture: there is no leg 2 without ssh", "a relay has the legs 1 and 3");
  }
  return lanes;
}
