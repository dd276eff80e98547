/** A forward: one rule of the command line or the configuration, with its name and its two addresses. */
import { isUnix } from "../codec/address.ts";
import { type ForwardSpec, forwardFlag, listenAddress, printForwardSpec } from "../codec/words/forward-spec.ts";
import type { ForwardInfo } from "../plugin.ts";
import { forwardIds } from "../tunnel/tunnel-description.ts";

export interface Forward extends ForwardInfo {
  readonly spec: ForwardSpec;
}

/** The part of the configuration that is about forwards. */
export interface ConfiguredForwards {
  /** The forwards of LocalForward, RemoteForward and DynamicForward. */
  readonly specs: readonly ForwardSpec[];
  /** ClearAllForwardings: no forward counts, also none of the command line. Undefined when nobody said anything of it. */
  readonly areCleared: boolean | undefined;
  /** Replaces the tokens (%h, %r ...) in the paths of a forward's sockets. */
  fillPaths(spec: ForwardSpec): ForwardSpec;
}

/**
 * The forwards of the command line in the order given, then those of the configuration. A forward that is said twice
 * counts once (readconf.c, add_local_forward). ClearAllForwardings leaves -W, and -W implies ClearAllForwardings (readconf.c, fill_default_options).
 */
export function allForwards(
  said: readonly ForwardSpec[],
  { specs, areCleared, fillPaths }: ConfiguredForwards,
): readonly ForwardSpec[] {
  const own = said.map(fillPaths);
  const stdio = own.filter(({ kind }) => kind === "stdio");
  if (areCleared ?? stdio.length > 0) return stdio;
  const byText = new Map<string, ForwardSpec>();
  for (const spec of [...own, ...specs.map(fillPaths)]) {
    const text = forwardText(spec);
    if (!byText.has(text)) byText.set(text, spec);
  }
  return [...byText.values()];
}

/** Two forwards with one text are one forward. */
export function forwardText(spec: ForwardSpec): string {
  return `${forwardFlag(spec.kind)}${printForwardSpec(spec)}`;
}

/** Names the forwards in the order given: L1, L2, R1, D1 ... */
export function nameForwards(specs: readonly ForwardSpec[], gatewayPorts: boolean): readonly Forward[] {
  const ids = forwardIds(specs);
  return specs.map((spec, index) => {
    const { kind, side, connect } = spec;
    return { id: ids[index] ?? "", kind, side, listen: listenAddress(spec, gatewayPorts), connect, spec };
  });
}

/** The target ports that are known before any connection comes. */
export function targetPorts(forwards: readonly Forward[]): readonly number[] {
  return forwards.flatMap(({ connect }) => (connect === undefined || isUnix(connect) ? [] : [connect.port]));
}
