/**
 * The interfaces of a capture, which must all be known before the first packet. Each leg has one interface. With jump
 * hosts, each further session has one more, because that session goes through the session before; and so has each
 * session of --sessions. A session that is made again goes on in the interface of the lost one.
 */
import type { CaptureInterface } from "../../src/codec/capture/capture-file.ts";
import type { LegNumber } from "../../src/plugin.ts";
import { visible } from "../../src/text/terminal-text.ts";

export interface CaptureLane {
  readonly leg: LegNumber;
  /** On leg 2 the place among the sessions that share the work, from 1. */
  readonly strand: number;
  /** On leg 2 the place of the session on its way, from 1. */
  readonly hop: number;
  /** Marks the lane in the packets' MAC addresses. The mark does not depend on which other lanes are captured. */
  readonly mark: number;
  readonly described: CaptureInterface;
}

/**
 * Returns the lanes in the order of their interfaces. `sessions` are the hosts on the way; without hosts there is no
 * leg 2.
 */
export function captureLanes(
  legs: ReadonlySet<LegNumber>,
  sessions: readonly string[],
  strands = 1,
): readonly CaptureLane[] {
  const hosts = sessions.map((host) => visible(host, 255));
  const [first, ...further] = Array.from({ length: strands }, (_each, index) => lanesOf(index + 1, hosts));
  const [direct = [], beyond = []] = [first?.slice(0, 1), first?.slice(1)];
  const lanes: CaptureLane[] = [
    { ...{ leg: 1, strand: 1, hop: 1, mark: 1 }, described: leg1 },
    ...direct,
    { ...{ leg: 3, strand: 1, hop: 1, mark: 3 }, described: leg3 },
    ...beyond,
    ...further.flat(),
  ];
  return lanes.filter(({ leg }) => legs.has(leg));
}

/** The lanes of one of the sessions that share the work, with its jump hosts. */
function lanesOf(strand: number, hosts: readonly string[]): readonly CaptureLane[] {
  return hosts.map((host, index) => {
    const hop = index + 1;
    const described = index === 0 ? leg2(hosts) : furtherLeg2(hop, host, hosts[index - 1] ?? "");
    if (strand > 1) return { leg: 2, strand, hop, mark: 16 * strand + hop, described: ofStrand(strand, described) };
    return { leg: 2, strand, hop, mark: index === 0 ? 2 : hop + 2, described };
  });
}

function ofStrand(strand: number, { name, description = "" }: CaptureInterface): CaptureInterface {
  return { name: name.replace("leg2-ssh", `leg2-ssh-s${strand}`), description: `session ${strand}: ${description}` };
}

const leg1: CaptureInterface = {
  name: "leg1-app-listener",
  description:
    "the program to the forward's listener, which is porthop's or, of a remote forward, the server's: true bytes, TCP headers synthesised by porthop; addresses as the packet comments say, else true",
};

const leg3: CaptureInterface = {
  name: "leg3-sshd-target",
  description:
    "sshd, or porthop itself for a remote forward, to the target: true bytes as porthop handed them over, at porthop's time; TCP headers synthesised by porthop; addresses as the packet comments say, else true",
};

function leg2(hosts: readonly string[]): CaptureInterface {
  const to = hosts.length > 1 ? `the first of ${hosts.length} sshds, ${hosts[0]}` : "sshd";
  return {
    name: "leg2-ssh",
    description: `porthop to ${to}: true ciphertext, one SSH packet a segment, TCP headers synthesised by porthop; addresses as the packet comments say, else true`,
  };
}

function furtherLeg2(hop: number, host: string, before: string): CaptureInterface {
  const description = `porthop to sshd on ${host}, inside the session with ${before}, which passes it on: true ciphertext, one SSH packet a segment, at porthop's time; TCP headers synthesised by porthop; addresses as the packet comments say`;
  return { name: `leg2-ssh-hop${hop}`, description };
}
