/**
 * What a tunnel does, in words: who connects where, which machine `localhost` is, the effective connection, who may use
 * the tunnel, what ends when, and what the server must allow. No name is looked up and no connection is tried.
 */
import { formatAddress, isLoopback, isUnix } from "../codec/address.ts";
import { type ForwardSpec, forwardFlag, listenAddress, writtenForward } from "../codec/words/forward-spec.ts";
import { endings, serverNeeds } from "./explanation-session.ts";
import { type Mistake, mistakesIn } from "./mistakes.ts";
import { forwardIds, opensGateway, type Place, type TunnelDescription } from "./tunnel-description.ts";
import { legsOf, type PlannedLeg } from "./tunnel-legs.ts";

export interface Explanation {
  readonly forwards: readonly ForwardExplanation[];
  /** What ends when, one sentence each. */
  readonly endings: readonly string[];
  /** What the server must allow, by a setting or by default. */
  readonly server: readonly string[];
  readonly mistakes: readonly Mistake[];
}

export interface ForwardExplanation {
  /** L1, R1, D1 ... */
  readonly id: string;
  /** `-L 8080:localhost:80` */
  readonly written: string;
  readonly kind: ForwardSpec["kind"] | "relay";
  /** Who connects where, in full sentences. */
  readonly does: string;
  /** Which machine looks names and `localhost` up. */
  readonly view: string;
  readonly effective: EffectiveConnection;
  readonly legs: readonly PlannedLeg[];
  /** Who may connect. */
  readonly who: string;
}

/**
 * The connection that the user meant: (brahma, 3456, vishnu,
 * 80). A port is undefined when there is none, or none known.
 */
export interface EffectiveConnection {
  readonly client: string;
  readonly clientPort: number | undefined;
  readonly server: string;
  readonly serverPort: number | undefined;
}

export function explainTunnel(description: TunnelDescription, place: Place): Explanation {
  const ids = forwardIds(description.forwards);
  return {
    forwards: description.forwards.map((spec, index) => explainForward(description, spec, ids[index] ?? "", place)),
    endings: endings(description, place),
    server: serverNeeds(description, place),
    mistakes: mistakesIn(description, place),
  };
}

/** `(brahma, 3456, vishnu, 80)` */
export function printEffective({ client, clientPort, server, serverPort }: EffectiveConnection): string {
  return `(${client}, ${clientPort ?? "-"}, ${server}, ${serverPort ?? "-"})`;
}

function explainForward(
  description: TunnelDescription,
  spec: ForwardSpec,
  id: string,
  place: Place,
): ForwardExplanation {
  const scene = sceneOf(description, spec, place);
  return {
    id,
    written: `-${forwardFlag(spec.kind)} ${writtenForward(spec)}`,
    kind: description.via === "nothing" ? "relay" : spec.kind,
    does: does(scene),
    view: view(scene),
    effective: effective(scene),
    legs: legsOf(description, spec, place),
    who: who(scene),
  };
}

/** The names in the sentences: `near` is the machine that listens, `far` the machine that connects to the target. */
interface Scene {
  readonly spec: ForwardSpec;
  readonly near: string;
  readonly far: string;
  readonly listener: string;
  /** The protocols in which a proxy is asked: ssh has no HTTP. */
  readonly words: string;
  readonly dialer: string;
  readonly listen: string;
  readonly target: string;
  readonly isOpen: boolean;
  /** True for -R: the server decides on which addresses it really listens. */
  readonly isReverse: boolean;
  readonly isRelay: boolean;
}

function sceneOf(description: TunnelDescription, spec: ForwardSpec, place: Place): Scene {
  const isBack = spec.side === "server";
  const isRelay = description.via === "nothing";
  const server = isRelay ? place.here : description.host;
  const listen = listenAddress(spec, opensGateway(description));
  const isChosen = listen !== undefined && !isUnix(listen) && listen.port === 0;
  return {
    spec,
    near: isBack ? server : place.here,
    far: isBack ? place.here : server,
    listener: isBack ? `sshd on ${server}` : `${place.program} on ${place.here}`,
    words: place.program === "ssh" ? "SOCKS" : "SOCKS or HTTP",
    dialer: isBack || isRelay ? `${place.program} on ${place.here}` : `sshd on ${server}`,
    listen: listen === undefined ? "" : isChosen ? "a port that the server chooses" : formatAddress(listen),
    target: spec.connect === undefined ? "" : formatAddress(spec.connect),
    isOpen: listen !== undefined && !isUnix(listen) && !isLoopback(listen.host),
    isReverse: isBack,
    isRelay,
  };
}

function does({
  spec,
  near,
  listener,
  words,
  dialer,
  listen,
  target,
  isOpen,
  isReverse: isBack,
  isRelay,
}: Scene): string {
  if (spec.kind === "stdio") {
    return `What comes in on stdin goes through the SSH connection, and ${dialer} connects to ${target}; the answer goes to stdout.`;
  }
  // On the server, GatewayPorts decides whether other machines reach the port.
  const who = isOpen && !isBack ? `Any program that reaches ${near}` : `A program on ${near}`;
  const begin = `${who} connects to ${listen}, where ${listener} listens.`;
  if (isRelay) return `${begin} It connects to ${target} itself, and carries the bytes both ways; no SSH is between.`;
  if (spec.connect === undefined) {
    return `${begin} It says by ${words} to which host and port it wants; that goes through the SSH connection, and ${dialer} connects to there.`;
  }
  return `${begin} The connection goes through the SSH connection, and ${dialer} connects to ${target}.`;
}

function view({ spec, near, far, target, listen, isReverse, isRelay }: Scene): string {
  if (spec.connect === undefined) {
    return `Names, and localhost too, are looked up on ${far}, if the program leaves that to the proxy (socks5h).`;
  }
  if (isUnix(spec.connect)) return `${target} is a file of ${far}.`;
  if (!isLoopback(spec.connect.host)) {
    return `${spec.connect.host} is what ${far} calls so: it is looked up and connected to there.`;
  }
  // A server that is called localhost is often this machine, and may be a container behind a port of it.
  if (!isReverse && !isRelay && isLoopback(far)) {
    return `The ${spec.connect.host} of ${target} is the machine that sshd runs on: ${near} itself, unless another forward or a container has that port.`;
  }
  const isVague = isReverse && isLoopback(near);
  const other = near === far || isVague ? "" : `, not ${near}`;
  const own =
    !isVague && spec.listen !== undefined && listen.startsWith("localhost:")
      ? ` The localhost of ${listen} is ${near}.`
      : "";
  return `The ${spec.connect.host} of ${target} is ${far}${other}: ${far} is the one that connects to it.${own}`;
}

function effective({ spec, near, far }: Scene): EffectiveConnection {
  const { listen, connect } = spec;
  const hasPort = listen !== undefined && !("path" in listen);
  const server =
    connect === undefined
      ? "what is asked for"
      : isUnix(connect)
        ? `${far}:${connect.path}`
        : isLoopback(connect.host)
          ? far
          : connect.host;
  return {
    client: listen !== undefined && "path" in listen ? `${near}:${listen.path}` : near,
    clientPort: hasPort && listen.port !== 0 ? listen.port : undefined,
    server,
    serverPort: connect === undefined || isUnix(connect) ? undefined : connect.port,
  };
}

function who({ spec, near, isOpen, isReverse: isBack, listen }: Scene): string {
  if (spec.listen === undefined) return "Only the program that started it.";
  if ("path" in spec.listen)
    return `Who may open the file ${listen} of ${near}: its owner alone, unless a mask says otherwise.`;
  if (isOpen && isBack) {
    return `Whoever reaches ${near} on that port, if GatewayPorts allows it there; else programs on ${near} only.`;
  }
  if (isOpen) return `Whoever reaches ${near} on that port, from other machines too.`;
  const yes = isBack ? " (With GatewayPorts yes on the server: other machines too.)" : "";
  return `Programs on ${near} only, of all its users.${yes}`;
}
