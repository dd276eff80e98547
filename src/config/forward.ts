/** One rule of the command line with its name, and where it will accept and go. */
import { isUnix } from "../codec/address.ts";
import { Malformed } from "../codec/malformed.ts";
import type { ScannedFlag } from "../codec/words/argv.ts";
import {
  type ForwardFlag,
  type ForwardSpec,
  forwardFlag,
  listenAddress,
  parseForwardSpec,
  printForwardSpec,
} from "../codec/words/forward-spec.ts";
import type { ForwardInfo } from "../plugin.ts";

export interface Forward extends ForwardInfo {
  readonly spec: ForwardSpec;
}

/** What the configuration says of forwards. */
export interface ConfiguredForwards {
  /** LocalForward and its like. */
  readonly specs: readonly ForwardSpec[];
  /** ClearAllForwardings: those of the flags go as well. */
  readonly areCleared: boolean;
  /** Variables in the text of a forward, before it is read. */
  fillVariables(text: string): string;
  /** Tokens in the paths of its sockets. */
  fillPaths(spec: ForwardSpec): ForwardSpec;
}

const nothingConfigured: ConfiguredForwards = {
  specs: [],
  areCleared: false,
  fillVariables: (text) => text,
  fillPaths: (spec) => spec,
};

/** The forwards among the flags, in the order given, and then the configured ones; the same one twice is one. */
export function readForwards(
  flags: readonly ScannedFlag[],
  gatewayPorts: boolean,
  configured: ConfiguredForwards = nothingConfigured,
): readonly Forward[] {
  const { fillVariables, fillPaths } = configured;
  const specs = flags.flatMap(({ flag, value = "" }) =>
    isForwardFlag(flag) ? [fillPaths(parseForwardSpec(flag, fillVariables(value)))] : [],
  );
  const stdio = specs.filter(({ kind }) => kind === "stdio");
  if (stdio.length > 1) throw new Malformed("-W is given twice: stdin and stdout can only go to one place");
  // ssh.c: -W implies ClearAllForwardings.
  if (stdio.length > 0 || configured.areCleared) return nameForwards(stdio, gatewayPorts);
  const given = new Set(specs.map(textOf));
  const more = configured.specs.map(fillPaths).filter((spec) => !given.has(textOf(spec)));
  return nameForwards([...specs, ...more], gatewayPorts);
}

function textOf(spec: ForwardSpec): string {
  return `${forwardFlag(spec.kind)}${printForwardSpec(spec)}`;
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

function isForwardFlag(flag: string): flag is ForwardFlag {
  return flag === "L" || flag === "R" || flag === "D" || flag === "W";
}
