/**
 * Writes the three real TCP connections behind each flow into one file that Wireshark reads: made-up TCP headers around
 * true bytes and true addresses (capture.md). It watches legs, so it sees the same wherever it stands in the chain.
 * Its stages only wait, for a moment, when the disk is behind: the capture may slow a forward, never stop it.
 */
import { pcapFormat, pcapngFormat } from "../src/codec/capture/capture-file.ts";
import { SshNegotiation } from "../src/codec/capture/ssh-negotiation.ts";
import { SshPacketCutter } from "../src/codec/capture/ssh-packets.ts";
import { visible } from "../src/codec/terminal-text.ts";
import { type Chunks, definePlugin, type Flow, type Host, type Leg, type Wire } from "../src/plugin.ts";
import { BlockWriter } from "./capture/block-writer.ts";
import { openCapture } from "./capture/capture-path.ts";
import { dialsHere, Ends } from "./capture/ends.ts";
import { captureLanes, type LegNumber } from "./capture/interfaces.ts";
import { Recording } from "./capture/recording.ts";
import { steadyClock, Timeline } from "./capture/timeline.ts";
import { Track } from "./capture/track.ts";

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
    const capture = startCapture(host, file, wanted, readSnapLength(host, snaplen));
    host.locateTargets(([1, 3] as const).filter((leg) => wanted.has(leg)));
    host.onSession((wire) => capture.followWire(wire));
    host.onDispose(() => capture.finish());
    return (flow, next) => {
      capture.followFlow(flow);
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

/** As dumpcap's -s: 0 keeps all of each packet, and so does a number larger than any. */
function readSnapLength(host: Host, bytes: number | undefined): number | undefined {
  if (bytes !== undefined && bytes < 0) {
    host.fail("plugin.invalid", `plugin capture: snaplen=${bytes} is less than nothing`, "0 keeps all of each packet");
  }
  return bytes === undefined || bytes === 0 || bytes > largestPacketBytes ? undefined : bytes;
}

/** What tcpdump and Wireshark take as the largest packet. */
const largestPacketBytes = 262_144;

function startCapture(host: Host, file: string, legs: ReadonlySet<LegNumber>, snapLength: number | undefined) {
  const lanes = captureLanes(legs, host.sessions);
  if (lanes.length === 0) {
    host.fail("plugin.invalid", "plugin capture: there is no leg 2 without ssh", "a relay has the legs 1 and 3");
  }
  const fd = openCapture(file, host);
  const clock = steadyClock();
  const format = file.endsWith(".pcap")
    ? pcapFormat({ snapLength })
    : pcapngFormat({
        snapLength,
        application: `porthop ${host.version}`,
        os: process.platform,
        hardware: process.arch,
      });
  const writer = new BlockWriter(fd, { failed: (error) => host.log.warn(failureText(file, error)) });
  const lossy = () =>
    host.log.warn("the disk is slower than the traffic: frames are being dropped, the forwards go on");
  const recording = new Recording(
    writer,
    format,
    lanes.map(({ described }) => described),
    clock(),
    lossy,
  );
  const timeline = new Timeline(clock);
  const ends = new Ends(host.sessions.length, (name) => recording.name(name));

  /** Where the packets of a leg go; undefined for one that is not captured. */
  const place = (leg: LegNumber, hop = 1) => {
    const interfaceIndex = lanes.findIndex((lane) => lane.leg === leg && lane.hop === hop);
    const mark = lanes[interfaceIndex]?.mark;
    return mark === undefined ? undefined : { recording, timeline, interfaceIndex, leg: mark };
  };

  const watch = (flow: Flow, leg: Leg, track: Track) => {
    leg.watch({
      opened() {
        if (leg.number === 3) void leg.locate().then(() => track.begin());
        track.open();
      },
      refused(error) {
        track.begin();
        track.refused(reasonText(error));
      },
      bytes: (direction, chunk) => track.data(direction, [chunk]),
      ended: (direction) => track.end(direction),
      aborted(by, error) {
        // Nobody can know what sshd did to its connection after the session was lost.
        if (leg.number === (dialsHere(flow.forward.kind) ? 1 : 3) && isLost(error)) return track.begin();
        track.abort(by, `porthop flow=${flow.id} leg=${leg.number}: ${reasonText(error)}`);
      },
    });
  };

  return {
    followFlow(flow: Flow): void {
      for (const leg of [flow.legs[0], flow.legs[2]]) {
        const here = place(leg.number);
        if (here !== undefined) watch(flow, leg, new Track(here, leg.number === 1, () => ends.ofLeg(flow, leg)));
      }
      const pace = (chunks: Chunks) => paced(chunks, recording);
      flow.up.pipe(pace);
      flow.down.pipe(pace);
    },

    followWire(wire: Wire): void {
      // Also of one that is not captured: who dials the targets is learnt from it.
      const told = ends.ofWire(wire);
      const here = place(2, wire.hop);
      if (here !== undefined) followSsh(wire, new Track(here, true, () => told));
    },

    async finish(): Promise<void> {
      timeline.finish();
      await recording.finish(clock());
      if (writer.failed) return;
      const lost = recording.lost === 0 ? "" : `, ${recording.lost} frames lost`;
      host.log.info(`${recording.packets} packets in ${visible(file)}${lost}`);
    },
  };
}

/** Leg 2: the ciphertext, cut at SSH's packet borders. */
function followSsh(wire: Wire, track: Track): void {
  const negotiation = new SshNegotiation();
  const cutters = {
    up: new SshPacketCutter("up", negotiation),
    down: new SshPacketCutter("down", negotiation),
  };
  wire.watch({
    opened: () => track.open(),
    bytes(direction, chunk) {
      for (const packet of cutters[direction].push(chunk)) track.data(direction, packet);
    },
    ended(direction) {
      for (const packet of cutters[direction].flush()) track.data(direction, packet);
      track.end(direction);
    },
    aborted(by, error) {
      // What was on its way when the connection broke went over the wire too.
      for (const direction of ["up", "down"] as const) {
        for (const packet of cutters[direction].flush()) track.data(direction, packet);
      }
      track.abort(by, `porthop leg=2: ${reasonText(error)}`);
    },
  });
}

async function* paced(chunks: Chunks, recording: Recording): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    const relief = recording.relief();
    if (relief !== undefined) await relief;
    yield chunk;
  }
}

function isLost(error: Error): boolean {
  return "code" in error && error.code === "ssh.lost";
}

function reasonText(error: Error): string {
  return visible(error.message, 500);
}

function failureText(file: string, error: unknown): string {
  const why = error instanceof Error ? error.message : String(error);
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  if (code === "EPIPE") return "the reader of the capture is gone: the capture ended, the forwards go on";
  if (code === "ETIMEDOUT") return `nobody takes the last frames of the capture ${visible(file)}: it ends without them`;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return `the disk is full: the capture ${visible(file)} ended, the forwards go on`;
  }
  return `cannot write the capture ${visible(file)} any more (${visible(why, 200)}): it ended, the forwards go on`;
}
