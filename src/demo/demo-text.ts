/**
 * The words and the picture that explain one flow: the effective connection, and the three TCP connections that carry
 * the flow, each with the tcpdump command that shows its packets. Values in, lines out.
 */
import { type Address, formatAddress, isUnix } from "../codec/address.ts";
import type { LegNumber } from "../errors.ts";

export interface ExplainedLeg {
  readonly leg: LegNumber;
  readonly from: Address;
  readonly to: Address;
}

export interface Explained {
  /** The words after `porthop run`. They also work after `ssh -N`. */
  readonly words: string;
  /** The name that the system gives its loopback interface. */
  readonly loopback: string;
  readonly legs: readonly [ExplainedLeg, ExplainedLeg, ExplainedLeg];
  readonly up: number;
  readonly down: number;
}

export function explainFlow({ words, loopback, legs, up, down }: Explained): readonly string[] {
  const [one, two, three] = legs;
  return [
    "What you asked for:",
    "",
    `  porthop run ${words}`,
    "",
    `  with ssh it would be: ssh -N ${words}`,
    `  the effective connection: ${effective(one, three)}`,
    "",
    "What carries it, three TCP connections:",
    "",
    ...picture(one, two, three).map((line) => `  ${line}`),
    "",
    ...legs.flatMap((leg) => legLines(leg, loopback)).map((line) => `  ${line}`),
    "",
    `  legs 1 and 3 carried the same ${up} bytes up and ${down} bytes down, in clear;`,
    "  leg 2 carried them encrypted.",
  ];
}

/**
 * The effective connection: the client's host and the port that
 * the client connects to, then the target's host and port.
 */
function effective(one: ExplainedLeg, three: ExplainedLeg): string {
  return `(${hostOf(one.from)}, ${portOf(one.to)}) -> (${hostOf(three.to)}, ${portOf(three.to)})`;
}

function picture(one: ExplainedLeg, two: ExplainedLeg, three: ExplainedLeg): readonly string[] {
  const left = ["app", formatAddress(one.from), "  |", "  | leg 1, clear", "  v", formatAddress(one.to), "porthop"];
  const right = [
    "web server",
    formatAddress(three.to),
    "  ^",
    "  | leg 3, clear",
    "  |",
    formatAddress(three.from),
    "sshd",
  ];
  const width = Math.max(...left.map((line) => line.length)) + 2;
  const pipe = ` ${portOf(two.from)} ===== leg 2, SSH =====> ${portOf(two.to)}  `;
  return left.map((line, row) => {
    const middle = row === left.length - 1 ? pipe : " ".repeat(pipe.length);
    return `${line.padEnd(width)}${middle}${right[row] ?? ""}`.trimEnd();
  });
}

const roles = {
  1: "your program to porthop",
  2: "porthop to sshd",
  3: "sshd to the web server",
} as const;

/** Two lines: the addresses of the leg, and the command that shows the packets of the leg. */
function legLines({ leg, from, to }: ExplainedLeg, loopback: string): readonly string[] {
  const route = `${formatAddress(from)} > ${formatAddress(to)}`;
  return [`leg ${leg}  ${route.padEnd(36)} ${roles[leg]}`, `       tcpdump -ni ${loopback} tcp port ${portOf(to)}`];
}

function hostOf(address: Address): string {
  return isUnix(address) ? address.path : address.host;
}

function portOf(address: Address): string {
  return isUnix(address) ? "-" : String(address.port);
}
