/**
 * Writes the three real TCP connections behind each flow into one file that Wireshark reads: made-up TCP headers around
 * true bytes and true addresses (capture.md). It watches legs, so it sees the same wherever it stands in the chain.
 * Its stages only wait, for a moment, when the disk is behind: the capture may slow a forward, never stop it.
 */
import { isIP } from "node:net";
import { type Address, formatAddress, isLoopback, isUnix, plainHost, type TcpAddress } from "../src/codec/address.ts";
import { type CaptureInterface, pcapFormat, pcapngFormat } from "../src/codec/capture-file.ts";
import { SshNegotiation } from "../src/codec/ssh-negotiation.ts";
import { SshPacketCutter } from "../src/codec/ssh-packets.ts";
import { visible } from "../src/codec/terminal-text.ts";
import { type Chunks, definePlugin, type Flow, type Host, type Leg, type Wire } from "../src/plugin.ts";
import { BlockWriter } from "./capture/block-writer.ts";
import { openCapture } from "./capture/capture-path.ts";
import { MadeUpAddresses, strangerTo } from "./capture/made-up-addresses.ts";
import { Recording } from "./capture/recording.ts";
import { steadyClock, Timeline } from "./capture/timeline.ts";
import { Track, type TrackEnds } from "./capture/track.ts";

export default definePlugin({
  name: "capture",
  about: "writes the three TCP connections behind each flow into a pcapng or pcap file",
  options: {
    file: { type: "text", about: "out.pcapng, out.pcap, or - for stdout", required: true },
    legs: { type: "text", about: "which legs, for example 1+3", default: "1+2+3" },
    snaplen: { type: "number", about: "how many bytes of each packet to keep; all of them by default" },
  },
  setup(host, { file, legs, snaplen }) {
    const capture = startCapture(host, file, readLegs(host, legs), readSnapLength(host, snaplen));
    host.locateTargets();
    host.onSession((wire) => capture.followWire(wire));
    host.onDispose(() => capture.finish());
    return (flow, next) => {
      capture.followFlow(flow);
      return next();
    };
  },
});

type LegNumber = 1 | 2 | 3;

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

const interfaceOf: Readonly<Record<LegNumber, CaptureInterface>> = {
  1: {
    name: "leg1-app-listener",
    description: "the program to porthop's listener: true bytes and addresses, TCP headers synthesised by porthop",
  },
  2: {
    name: "leg2-ssh",
    description:
      "porthop to sshd: true ciphertext and addresses, one SSH packet a segment, TCP headers synthesised by porthop",
  },
  3: {
    name: "leg3-sshd-target",
    description:
      "sshd to the target: true bytes as porthop handed them over, at porthop's time; TCP headers synthesised by porthop; addresses as the packet comments say",
  },
};

function startCapture(host: Host, file: string, legs: ReadonlySet<LegNumber>, snapLength: number | undefined) {
  const fd = openCapture(file, host);
  const clock = steadyClock();
  const chosen = ([1, 2, 3] as const).filter((leg) => legs.has(leg));
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
    chosen.map((leg) => interfaceOf[leg]),
    clock(),
    lossy,
  );
  const timeline = new Timeline(clock);
  const madeUp = new MadeUpAddresses();
  let sessions = 0;
  let serverHost: string | undefined;

  const place = (leg: LegNumber) => ({ recording, timeline, interfaceIndex: chosen.indexOf(leg), leg });

  /** An IP address for an end, made up and named in the file where there is none. */
  const resolve = (address: Address): TcpAddress => {
    const known = isUnix(address) ? undefined : plainHost(address.host);
    if (!isUnix(address) && known !== undefined && isIP(known) !== 0) return { host: known, port: address.port };
    const name = isUnix(address) ? address.path : address.host;
    const { host: stand, isNew } = madeUp.addressOf(name);
    if (isNew) recording.name({ address: stand, name: visible(name, 255) });
    return { host: stand, port: isUnix(address) ? 0 : address.port };
  };

  /** Who dialed; a unix socket has no port to tell its connections apart, so each gets one. */
  const resolveSource = (address: Address, to: TcpAddress): TcpAddress => {
    const from = isUnix(address) ? { ...resolve(address), port: madeUp.port() } : resolve(address);
    return sameFamily(from, to);
  };

  const endsOf = (flow: Flow, leg: Leg): TrackEnds => {
    const asked = leg.to ?? flow.target;
    const to = resolve(asked);
    const from = leg.from === undefined ? inventSource(to, serverHost, madeUp.port()) : resolveSource(leg.from, to);
    const notes = [
      `porthop flow=${flow.id} leg=${leg.number} forward=${flow.forward.id} target=${formatAddress(flow.target)}`,
      ...(leg.from === undefined ? ["source=invented"] : standsFor("from", leg.from, from)),
      ...standsFor("to", asked, to),
    ];
    return { from, to, comment: visible(notes.join(" "), 1000) };
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
        // Nobody can know what sshd did to leg 3 after the session was lost.
        if (leg.number === 3 && isLost(error)) return track.begin();
        track.abort(by, `porthop flow=${flow.id} leg=${leg.number}: ${reasonText(error)}`);
      },
    });
  };

  return {
    followFlow(flow: Flow): void {
      for (const leg of [flow.legs[0], flow.legs[2]]) {
        if (!legs.has(leg.number)) continue;
        watch(flow, leg, new Track(place(leg.number), leg.number === 1, () => endsOf(flow, leg)));
      }
      const pace = (chunks: Chunks) => paced(chunks, recording);
      flow.up.pipe(pace);
      flow.down.pipe(pace);
    },

    followWire(wire: Wire): void {
      sessions += 1;
      const { from, to } = wire;
      if (!isUnix(to)) serverHost = to.host;
      if (!legs.has(2) || isUnix(from) || isUnix(to)) return;
      if (isIP(wire.host) === 0 && !isLoopback(to.host)) recording.name({ address: to.host, name: wire.host });
      const comment = visible(`porthop session=${sessions} leg=2 host=${wire.host}`, 1000);
      followSsh(wire, new Track(place(2), true, () => ({ from, to, comment })));
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

/** sshd dialed, from an address and port that nobody told us. */
function inventSource(to: TcpAddress, serverHost: string | undefined, port: number): TcpAddress {
  const host = isLoopback(to.host) ? to.host : (serverHost ?? strangerTo(to.host));
  return sameFamily({ host, port }, to);
}

/** Both ends of a made-up connection must be of one family: the side that is less sure gives way. */
function sameFamily(from: TcpAddress, to: TcpAddress): TcpAddress {
  return isIP(from.host) === isIP(to.host) ? from : { host: strangerTo(to.host), port: from.port };
}

/** A remark for an end that is not shown with its own address. */
function standsFor(end: "from" | "to", address: Address, shown: TcpAddress): readonly string[] {
  const isOwn = !isUnix(address) && plainHost(address.host) === shown.host;
  return isOwn ? [] : [`${end}=made-up for ${formatAddress(address)}`];
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
  if (code === "ENOSPC" || code === "EDQUOT") {
    return `the disk is full: the capture ${visible(file)} ended, the forwards go on`;
  }
  return `cannot write the capture ${visible(file)} any more (${visible(why, 200)}): it ended, the forwards go on`;
}
