/**
 * The legs of a forward before any connection is made: which machine connects to which, and the tcpdump command that
 * shows the packets. With jump hosts, leg 2 is several connections, each inside the one before.
 */
import { type Address, formatAddress, formatHost, isLoopback, isUnix } from "../codec/address.ts";
import { type ForwardSpec, listenAddress } from "../codec/words/forward-spec.ts";
import type { LegNumber } from "../errors.ts";
import { keywordText, opensGateway, type Place, type SshTunnel, type TunnelDescription } from "./tunnel-description.ts";

export interface PlannedLeg {
  readonly leg: LegNumber;
  /** Who connects, in words. */
  readonly from: string;
  /** The other end: an address, or words when each connection names its own target. */
  readonly to: string;
  readonly isEncrypted: boolean;
  /** The machine where tcpdump has to run. */
  readonly machine: string;
  readonly isHere: boolean;
  /** Undefined when there are no packets to see: a unix socket, a pipe, or the unknown way of a ProxyCommand. */
  readonly capture: LegCapture | undefined;
}

export interface LegCapture {
  readonly interface: string;
  /** In the language of pcap-filter(7). */
  readonly filter: string;
}

/** All legs in order. A relay has no leg 2. */
export function legsOf(description: TunnelDescription, spec: ForwardSpec, place: Place): readonly PlannedLeg[] {
  if (description.via === "nothing") {
    const machine = place.here;
    const listen = listenAddress(spec, opensGateway(description));
    return [leg1({ machine, isHere: true, listen }, place), leg3({ machine, isHere: true, spec, sshPort: 22 }, place)];
  }
  const here = { machine: place.here, isHere: true };
  const server = { machine: description.host, isHere: false };
  const [origin, target] = spec.side === "server" ? [server, here] : [here, server];
  const listen = listenAddress(spec, opensGateway(description));
  return [
    leg1({ ...origin, listen }, place),
    ...wayLegs(description, place),
    leg3({ ...target, spec, sshPort: description.port ?? 22 }, place),
  ];
}

/** `tcpdump -ni lo 'tcp port 80'`, with `-w file` when a file is given. Undefined for a leg without packets. */
export function tcpdump({ capture }: PlannedLeg, file?: string): string | undefined {
  if (capture === undefined) return undefined;
  const into = file === undefined ? "" : ` -w ${file}`;
  return `tcpdump -ni ${capture.interface}${into} '${capture.filter}'`;
}

/** The address of sshd, as far as the description tells it: `host` may still be an alias. */
export function sshdAddress(tunnel: SshTunnel): { readonly host: string; readonly port: number } {
  return { host: keywordText(tunnel, "HostName") ?? tunnel.host, port: tunnel.port ?? 22 };
}

interface MachineSide {
  readonly machine: string;
  readonly isHere: boolean;
}

function leg1({ machine, isHere, listen }: MachineSide & { listen: Address | undefined }, place: Place): PlannedLeg {
  const from = `a program on ${machine}`;
  const base = { leg: 1, isEncrypted: false, machine, isHere } as const;
  if (listen === undefined) {
    return { ...base, from: "whoever started it", to: "stdin and stdout", capture: undefined };
  }
  if (isUnix(listen)) return { ...base, from, to: listen.path, capture: undefined };
  const isInside = isLoopback(listen.host);
  const isChosen = listen.port !== 0;
  return {
    ...base,
    from: isInside ? from : `whoever reaches ${machine}`,
    to: isChosen ? formatAddress(listen) : `${formatHost(listen.host)}, on a port that the server chooses`,
    capture: {
      interface: isInside ? loopback(isHere, place) : "any",
      filter: isChosen ? `tcp port ${listen.port}` : "tcp",
    },
  };
}

function leg3(side: MachineSide & { spec: ForwardSpec; sshPort: number }, place: Place): PlannedLeg {
  const { machine, isHere, spec, sshPort } = side;
  const base = { leg: 3, from: machine, isEncrypted: false, machine, isHere } as const;
  const { connect } = spec;
  if (connect === undefined) {
    // The targets are not known in advance: the filter takes all TCP except SSH.
    const filter = `tcp and not port ${sshPort}`;
    return { ...base, to: "what each connection asks for", capture: { interface: "any", filter } };
  }
  if (isUnix(connect)) return { ...base, to: connect.path, capture: undefined };
  return { ...base, to: formatAddress(connect), capture: towards(connect, isHere, place) };
}

function wayLegs(tunnel: SshTunnel, place: Place): readonly PlannedLeg[] {
  const stops = [...(tunnel.jumps ?? []).map(({ host, port }) => ({ host, port: port ?? 22 })), sshdAddress(tunnel)];
  const command = keywordText(tunnel, "ProxyCommand");
  const isUnknown = command !== undefined && command.toLowerCase() !== "none" && (tunnel.jumps ?? []).length === 0;
  return stops.map((stop, index) => {
    const machine = stops[index - 1]?.host ?? place.here;
    const isHere = index === 0;
    return {
      leg: 2,
      from: machine,
      to: formatAddress(stop),
      isEncrypted: true,
      machine,
      isHere,
      capture: isUnknown ? undefined : towards(stop, isHere, place),
    };
  });
}

function towards({ host, port }: { host: string; port: number }, isHere: boolean, place: Place): LegCapture {
  if (isLoopback(host)) return { interface: loopback(isHere, place), filter: `tcp port ${port}` };
  // pcap-filter(7) has no zones: fe80::1%eth0.
  return { interface: "any", filter: `tcp port ${port} and host ${host.replace(/%.*$/, "")}` };
}

/** The system of the server is not known. `lo` is the name on Linux, which most servers run. */
function loopback(isHere: boolean, place: Place): string {
  return isHere ? place.loopback : "lo";
}
