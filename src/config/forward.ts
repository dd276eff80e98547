/** One rule of the command line with its name, and where it will accept and go. */
import { isUnix } from "../codec/address.ts";
import { type ForwardSpec, forwardFlag, listenAddress } from "../codec/forward-spec.ts";
import type { ForwardInfo } from "../plugin.ts";

export interface Forward extends ForwardInfo {
  readonly spec: ForwardSpec;
}

/** Names the forwards in the order given: L1, L2, R1, D1 ... */
export function nameForwards(specs: readonly ForwardSpec[], gatewayPorts: boolean): readonly Forward[] {
  const counts = new Map<string, number>();
  return specs.map((spec) => {
    const letter = forwardFlag(spec.kind);
    const count = (counts.get(letter) ?? 0) + 1;
    counts.set(letter, count);
    const listen = listenAddress(spec, gatewayPorts);
    return { id: `${letter}${count}`, kind: spec.kind, listen, connect: spec.connect, spec };
  });
}

/** The target ports that are known before any connection comes. */
export function targetPorts(forwards: readonly Forward[]): readonly number[] {
  return forwards.flatMap(({ connect }) => (connect === undefined || isUnix(connect) ? [] : [connect.port]));
}
