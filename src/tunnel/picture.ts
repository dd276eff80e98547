/**
 * A forward as a picture in letters: the machines, who listens, who connects, and the three legs between them. The
 * machines stand side by side where the width allows, else one below the other. No line is longer than `columns`.
 */
import { type Address, formatAddress, formatHost, isLoopback, isUnix } from "../codec/address.ts";
import { type ForwardSpec, listenAddress } from "../codec/words/forward-spec.ts";
import { visible } from "../text/terminal-text.ts";
import { wrapped } from "../text/wrapped-text.ts";
import { boxes, type Column } from "./picture-boxes.ts";
import { printJump } from "./ssh-command.ts";
import { opensGateway, type Place, type SshTunnel, type TunnelDescription } from "./tunnel-description.ts";
import { sshdAddress } from "./tunnel-legs.ts";

/** The picture of one forward, or of the session alone when `spec` is undefined. */
export function picture(
  description: TunnelDescription,
  spec: ForwardSpec | undefined,
  place: Place,
  columns = 80,
): readonly string[] {
  const ends = endsOf(description, spec, place);
  const lines =
    boxes(column(ends.here), column(ends.far), { text: ends.pipe, letter: ends.letter }, columns) ?? narrowForm(ends);
  const way = ends.way === undefined ? [] : wrapped(ends.way, columns);
  return [...lines.map((line) => visible(line, columns)), ...way];
}

/** One end of the session: a program on a machine, and the party above it in the picture. */
interface End {
  readonly machine: string;
  readonly program: string;
  readonly role: "origin" | "target" | "none";
  /** Who connects to the program, or the target that the program connects to. */
  readonly party: string;
  /** True when the party is on another machine. */
  readonly isOutside: boolean;
  /** Where the program listens. */
  readonly listen: string | undefined;
  readonly label: string;
}

interface PictureEnds {
  readonly here: End;
  readonly far: End;
  /** The line between the two. */
  readonly pipe: string;
  readonly letter: string;
  readonly way: string | undefined;
  readonly isReverse: boolean;
}

function endsOf(description: TunnelDescription, spec: ForwardSpec | undefined, place: Place): PictureEnds {
  if (description.via === "nothing") return relayEnds(description, spec, place);
  const server = { machine: description.host, program: `sshd, port ${sshdAddress(description).port}` };
  const here = { machine: place.here, program: place.program };
  const isBack = spec?.side === "server";
  const origin = (side: PictureMachine) => originEnd(side, spec, opensGateway(description));
  return {
    here: isBack ? targetEnd(here, spec) : origin(here),
    far: isBack ? origin(server) : targetEnd(server, spec),
    pipe: " leg 2, SSH ",
    letter: "=",
    way: wayText(description),
    isReverse: isBack,
  };
}

/** The ends of a relay: the target itself is the far end, because no second program stands before it. */
function relayEnds(description: TunnelDescription, spec: ForwardSpec | undefined, place: Place): PictureEnds {
  const here = originEnd({ machine: place.here, program: place.program }, spec, opensGateway(description));
  const target = spec?.connect === undefined ? "" : formatAddress(spec.connect);
  const machine = spec?.connect === undefined || isOwn(spec.connect) ? place.here : hostOf(spec.connect);
  return {
    here,
    far: { ...nobody, machine, program: target },
    pipe: " leg 3, in clear ",
    letter: "-",
    way: undefined,
    isReverse: false,
  };
}

type PictureMachine = Pick<End, "machine" | "program">;

const nobody = { role: "none", party: "", isOutside: false, listen: undefined, label: "" } as const;

function originEnd(side: PictureMachine, spec: ForwardSpec | undefined, opens: boolean): End {
  if (spec === undefined) return { ...nobody, ...side };
  const listen = listenAddress(spec, opens);
  if (listen === undefined) {
    return { ...nobody, ...side, role: "origin", party: "stdin, stdout", label: "leg 1, a pipe" };
  }
  const isOutside = !isUnix(listen) && !isLoopback(listen.host);
  const isChosen = isUnix(listen) || listen.port !== 0;
  return {
    ...side,
    role: "origin",
    party: isOutside ? "any program that reaches it" : "a program",
    isOutside,
    listen: isChosen ? formatAddress(listen) : `${formatHost(listen.host)}, any port`,
    label: "leg 1, in clear",
  };
}

function targetEnd(side: PictureMachine, spec: ForwardSpec | undefined): End {
  if (spec === undefined) return { ...nobody, ...side };
  const { connect } = spec;
  const party = connect === undefined ? "what is asked for" : formatAddress(connect);
  const isOutside = connect === undefined || !isOwn(connect);
  return { ...side, role: "target", party, isOutside, listen: undefined, label: "leg 3, in clear" };
}

function isOwn(address: Address): boolean {
  return isUnix(address) || isLoopback(address.host);
}

function hostOf(address: Address): string {
  return isUnix(address) ? address.path : address.host;
}

function wayText({ jumps = [] }: SshTunnel): string | undefined {
  return jumps.length === 0 ? undefined : `leg 2 goes through ${jumps.map(printJump).join(", then ")}`;
}

function column({ machine, program, role, party, isOutside, listen, label }: End): Column {
  const inOrder =
    role === "origin" ? [party, "  |", `  | ${label}`] : role === "target" ? [party, "  ^", `  | ${label}`] : [];
  const foot = [...(role === "origin" ? ["  v"] : []), ...(listen === undefined ? [] : [listen]), program];
  return {
    title: machine,
    above: isOutside ? inOrder : [],
    top: isOutside ? [] : inOrder,
    foot,
    stem: role === "none" ? "" : "  |",
  };
}

function narrowForm({ here, far, pipe, letter, isReverse: isBack }: PictureEnds): readonly string[] {
  const [first, second] = isBack ? [far, here] : [here, far];
  const arrow = letter === "=" ? "||" : " |";
  return [
    ...originRows(first),
    `${first.program}, on ${first.machine}`,
    ` ${arrow}`,
    ` ${arrow}${pipe.trimEnd()}`,
    ` ${arrow}`,
    `${second.program}, on ${second.machine}`,
    ...targetRows(second),
  ];
}

function originRows({ role, party, machine, isOutside, listen, label }: End): readonly string[] {
  if (role === "none") return [];
  const who = isOutside || listen === undefined ? party : `${party} on ${machine}`;
  return [who, "  |", `  | ${label}`, "  v", ...(listen === undefined ? [] : [listen])];
}

function targetRows({ role, party, machine, isOutside, label }: End): readonly string[] {
  if (role === "none") return [];
  return ["  |", `  | ${label}`, "  v", isOutside ? party : `${party}, on ${machine}`];
}
