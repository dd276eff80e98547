/**
 * The interfaces of a capture, which must all be known before the first packet. Each
 * leg has one interface. With jump hosts, each further session has one more, because that session goes through the
 * session before.
 */
import type { CaptureInterface } from "../../src/codec/capture/capture-file.ts";
import type { LegNumber } from "../../src/plugin.ts";
import { visible } from "../../src/text/terminal-text.ts";

export interface Lane {
  readonly leg: LegNumber;
  /** On leg 2 the number of the session; the first session is 1. */
  readonly hop: number;
  /** Marks the lane in the packets' MAC addresses. The mark does not depend on which other lanes are captured. */
  readonly mark: number;
  readonly described: CaptureInterface;
}

/**
 * Returns the lanes in the order of their interfaces. `sessions` are the hosts on the way; without hosts there is no
 * leg 2.
 */
export function captureLanes(legs: ReadonlySet<LegNumber>, sessions: readonly string[]): readonly Lane[] {
  const hosts = sessions.map((host) => visible(host, 255));
  const [first, ...further] = hosts;
  const lanes: Lane[] = [{ leg: 1, hop: 1, mark: 1, described: leg1 }];
  if (first !== undefined) lanes.push({ leg: 2, hop: 1, mark: 2, described: leg2(hosts) });
  lanes.push({ leg: 3, hop: 1, mark: 3, described: leg3 });
  for (const [index, host] of further.entries()) lanes.push(furtherLane(index + 2, host, hosts[index] ?? ""));
  return lanes.filter(({ leg }) => legs.has(leg));
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

function furtherLane(hop: number, host: string, before: string): Lane {
  const description = `porthop to sshd on ${host}, inside the session with ${before}, which passes it on: true ciphertext, one SSH packet a segment, at porthop's time; TCP headers synthesised by porthop; addresses as the packet comments say`;
  return { leg: 2, hop, mark: hop + 2, described: { name: `leg2-ssh-hop${hop}`, description } };
}
