/**
 * The words and the picture that explain one flow: the effective connection, and the three TCP connections that carry
 * it, each with the tcpdump command that would show it. Values in, lines out.
 */
import { type Address, formatAddress, isUnix } from "../codec/address.ts";

export interface ExplainedLeg {
  readonly leg: 1 | 2 | 3;
  readonly from: Address;
  readonly to: Address;
}

export interface Explained {
  /** As the user would type it. */
  readonly command: string;
  readonly legs: readonly [ExplainedLeg, ExplainedLeg, ExplainedLeg];
  readonly up: number;
  readonly down: number;
}

export function explain({ command, legs, up, down }: Explained): readonly string[] {
  const [one, two, three] = legs;
  return [
    "What you asked for:",
    "",
    `  ${command}`,
    "",
    `  the effective connection: ${effective(one, three)}`,
    "",
    "What carries it, three TCP connections:",
    "",
    ...picture(one, two, three).map((line) => `  ${line}`),
    "",
    ...legs.map((leg) => `  ${legLine(leg)}`),
    "",
    `  legs 1 and 3 carried the same ${up} bytes up and ${down} bytes down, in clear; leg 2 carried them encrypted`,
  ];
}

/** In the manner of a quadruple: who, which port of theirs, whom, which port of whom. */
function effective(one: ExplainedLeg, three: ExplainedLeg): string {
  return `(${hostOf(one.from)}, ${portOf(one.to)}) -> (${hostOf(three.to)}, ${portOf(three.to)})`;
}

function picture(one: ExplainedLeg, two: ExplainedLeg, three: ExplainedLeg): readonly string[] {
  const left = ["app", formatAddress(one.from), "  |", "  | leg 1, in clear", "  v", formatAddress(one.to), "porthop"];
  const right = [
    "web server",
    formatAddress(three.to),
    "  ^",
    "  | leg 3, in clear",
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

function legLine({ leg, from, to }: ExplainedLeg): string {
  const route = `${formatAddress(from)} > ${formatAddress(to)}`;
  return `leg ${leg}  ${route.padEnd(36)} ${roles[leg].padEnd(24)} tcpdump -ni any tcp port ${portOf(to)} and tcp port ${portOf(from)}`;
}

function hostOf(address: Address): string {
  return isUnix(address) ? address.path : address.host;
}

function portOf(address: Address): string {
  return isUnix(address) ? "-" : String(address.port);
}
